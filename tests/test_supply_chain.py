"""What the service is made of: a bill of materials, advisories, and nothing that runs unasked."""

import json
import re
import site
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from app.embedded.migrate import ROOT
from tests import audit, sbom
from tests.test_locks import pins

# A line that begins with `import` in such a file runs at every start of Python: how keys were
# stolen before. These are known; what they do is said.
PTH_THAT_RUN = {
    "distutils-precedence.pth": "setuptools' own distutils in the place of Python's",
    "a1_coverage.pth": "coverage in child processes, where it is asked for",
}


def test_the_bill_is_what_cyclonedx_asks_for_and_repeats() -> None:
    text = json.dumps(sbom.bill())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.dumps(sbom.bill()) == text
    broken = text.replace('"type": "library"', '"type": "shrub"', 1)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_the_bill_has_every_package_of_every_lock_file_with_its_hashes() -> None:
    found = {(each["name"], each["version"]): each for each in sbom.bill()["components"]}  # type: ignore[union-attr, index]
    for lock, scope in sbom.LOCKS.items():
        text = (ROOT / lock).read_text(encoding="utf-8")
        for name, version in pins(text).items():
            assert found[name, version]["hashes"], name
            assert found[name, version]["scope"] in ("required", scope)


def test_an_advisory_that_nobody_judged_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    advisory = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
    report = {"dependencies": [{"name": "a", "version": "1.0", "vulns": [advisory]}]}
    assert list(audit.unjudged(report)) == ["  a 1.0: PYSEC-1, mended in 2.0"]
    monkeypatch.setattr(audit, "JUDGED", {"CVE-1": "we do not call it"})
    assert list(audit.unjudged(report)) == []


def test_a_service_that_cannot_be_reached_leaves_the_check_out_by_name() -> None:
    report, reason = audit.read("", "Traceback\nConnectionError: Name or service not known\n")
    assert report is None
    assert "cannot be reached: ConnectionError" in reason
    assert audit.read('{"dependencies": []}', "") == ({"dependencies": []}, "")


def test_every_judged_advisory_says_why() -> None:
    assert all(len(why) > 10 for why in audit.JUDGED.values())


def running_lines(path: Path) -> list[str]:
    """The lines of a .pth file that Python would run."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if _runs(line)]


def _runs(line: str) -> bool:
    return bool(re.match(r"import[ \t]", line))


def test_no_package_runs_code_at_the_start_of_python() -> None:
    folders = {Path(each) for each in [*site.getsitepackages(), *sys.path] if each}
    inside = [each for each in folders if each.is_relative_to(sys.prefix) and each.is_dir()]
    assert inside
    paths = [path for each in inside for path in each.glob("*.pth")]
    found = {path.name for path in paths if running_lines(path)}
    # The finder of an editable install of this very project.
    strange = {name for name in found if not name.startswith("__editable__.cultivar")}
    assert strange <= PTH_THAT_RUN.keys()
    assert not [path for each in inside for path in each.glob("*customize.py")]


def test_a_line_that_runs_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_text("/some/where\n# import os\nimport os; os.system('true')\n")
    assert len(running_lines(path)) == 1
