"""What the service is made of, as a CycloneDX 1.6 bill of materials, read off the lock files.

Run: python3 run.py sbom [FILE]. The same lock files give the same bytes.
"""

import argparse
import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from app.embedded.migrate import ROOT

# The lock files with what CycloneDX calls their scope: always there, or only where one trains.
LOCKS = {
    "requirements.lock": "required",
    "requirements-train.lock": "optional",
    "requirements-train-cuda.lock": "optional",
}
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\\n]+?))? \\\n"
    r"(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)
_NAMESPACE = uuid.UUID("9f6b5ad5-64a1-4f0c-8f4e-2c3a0f7f1d11")
Part = Mapping[str, object]


def bill() -> Mapping[str, object]:
    """The whole bill."""
    components = list(_components())
    digest = hashlib.sha256(json.dumps(components).encode()).hexdigest()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(_NAMESPACE, digest).urn,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "cultivar",
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": "cultivar", "dependsOn": [str(each["bom-ref"]) for each in components]}
        ],
    }


def _components() -> Iterator[Part]:
    """Each package once: what the trainer pins too, at the same version, is the service's."""
    seen: set[str] = set()
    for lock, scope in LOCKS.items():
        for found in _PIN.finditer((ROOT / lock).read_text(encoding="utf-8")):
            address = f"pkg:pypi/{found['name'].lower()}@{found['version']}"
            if address not in seen:
                seen.add(address)
                yield _component(found, scope, address)


def _component(found: "re.Match[str]", scope: str, address: str) -> Part:
    hashes = re.findall(r"sha256:([0-9a-f]{64})", found["hashes"])
    part: dict[str, object] = {
        "type": "library",
        "bom-ref": address,
        "name": found["name"],
        "version": found["version"],
        "scope": scope,
        "purl": address,
        # One for each file in which the package may come.
        "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
    }
    licence = _licence(found["name"], found["version"])
    if licence:
        part["licenses"] = [{"license": {"name": licence}}]
    if found["marker"]:
        part["properties"] = [{"name": "cultivar:marker", "value": found["marker"].strip()}]
    return part


def _licence(name: str, version: str) -> str:
    """What the installed package says of itself, where it is installed at that version."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if told["Version"] != version:
        return ""
    named = told["License-Expression"] or (told["License"] or "").strip().splitlines()
    if isinstance(named, str):
        return named
    classes = [each for each in told.get_all("Classifier") or () if each.startswith("License ::")]
    return named[0] if len(named) == 1 else ", ".join(each.split(" :: ")[-1] for each in classes)


def main() -> None:
    """Write it to a file or to standard output."""
    parser = argparse.ArgumentParser(prog="run.py sbom", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    given = parser.parse_args()
    text = json.dumps(bill(), indent=2) + "\n"
    if given.file is None:
        sys.stdout.write(text)
    else:
        given.file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
