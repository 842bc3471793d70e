"""The compose file and the Dockerfile, read and held against the code: no engine runs here."""

import argparse
import importlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from app import settings
from app.domain.access import Access
from app.embedded import programs
from app.embedded.front import add_options, read_front
from app.embedded.migrate import ROOT
from app.settings import Settings
from app.wakeups import ADMIT, EXPORT, GENERATE, QUEUES
from workers.celery_app import celery_app

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}
OPENS_KEYS = {"api", "generate", "admit-export"}
LASTING = {name: each for name, each in SERVICES.items() if name != "migrate"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PATTERN = (ROOT / ".env.example").read_text()


def known_variables() -> set[str]:
    """Every environment variable that the settings read."""
    prefix = Settings.model_config.get("env_prefix", "")
    return {
        field.validation_alias if isinstance(field.validation_alias, str) else f"{prefix}{name}"
        for name, field in Settings.model_fields.items()
    } | {f"{prefix}{name}".upper() for name in Settings.model_fields}


def options(command: Sequence[str]) -> dict[str, str]:
    """The `--name=value` and `--name value` options of a command line."""
    found: dict[str, str] = {}
    for word, following in zip(command, [*command[1:], ""], strict=True):
        if word.startswith("--"):
            name, has_value, value = word.partition("=")
            found[name] = value if has_value else "" if following.startswith("--") else following
    return found


def module_of(command: Sequence[str]) -> str:
    """What `python -m` is to run."""
    assert list(command[:2]) == ["python", "-m"]
    return command[2]


def test_has_every_service() -> None:
    wanted = {"postgres", "redis", "migrate", "api", "generate", "admit-export", "sweep"}
    assert set(SERVICES) == wanted | {"demo-teacher", "trainer"}
    assert {name: each["profiles"] for name, each in SERVICES.items() if "profiles" in each} == {
        "demo-teacher": ["demo"],
        "trainer": ["gpu"],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & service.keys()
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), "never root"
    assert service["tmpfs"], "what is written outside a volume goes to memory"
    assert not any("docker.sock" in mount for mount in service.get("volumes", []))


@pytest.mark.parametrize("name", LASTING)
def test_is_watched_and_started_again(name: str) -> None:
    assert LASTING[name]["restart"] == "unless-stopped"
    check = LASTING[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= check.keys()
    if check["test"][1:3] == ["python", "-m"]:
        assert importlib.util.find_spec(check["test"][3])
        assert set(check["test"][4:]) <= {"postgres", "redis"}


def test_migrates_once_before_anything_else() -> None:
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["command"] == ["python", "-m", "alembic", "upgrade", "head"]
    for name, service in OURS.items():
        if name not in {"migrate", "demo-teacher"}:
            conditions = service["depends_on"]
            assert conditions["migrate"] == {"condition": "service_completed_successfully"}
            assert conditions["redis"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", OURS)
def test_runs_what_there_is(name: str) -> None:
    service = OURS[name]
    trains = {"context": ".", "dockerfile": "Dockerfile.train"}
    assert service["build"] == (trains if name == "trainer" else ".")
    assert importlib.util.find_spec(module_of(service["command"]))


@pytest.mark.parametrize(
    ("name", "queues"),
    [("generate", [GENERATE]), ("admit-export", [ADMIT, EXPORT]), ("trainer", ["train"])],
)
def test_workers_are_started_as_on_one_machine(name: str, queues: list[str]) -> None:
    given = list(SERVICES[name]["command"])
    program = (
        programs.worker("train", queues, concurrency=1)
        if name == "trainer"
        else programs.worker(name, queues)
    )
    _, *wanted = program.arguments
    assert given[1:] == wanted


def test_the_celery_application_is_where_the_workers_look() -> None:
    module, _, attribute = options(SERVICES["generate"]["command"])["--app"].partition(":")
    assert getattr(importlib.import_module(module), attribute) is celery_app


def test_every_queue_that_is_rung_has_a_worker() -> None:
    listened = {
        queue
        for service in OURS.values()
        for queue in options(service["command"]).get("--queues", "").split(",")
    }
    assert {GENERATE, ADMIT, EXPORT, "train"} <= listened
    assert listened - {""} <= set(QUEUES)


def test_the_api_asks_for_keys_behind_a_proxy_that_ends_tls() -> None:
    given = list(SERVICES["api"]["command"])
    assert module_of(given) == "app.embedded.web"
    parser = argparse.ArgumentParser()
    parser.add_argument("--port")
    add_options(parser)
    read = parser.parse_args(given[3:])
    assert read_front(read).posture.access is Access.DEPLOYED
    assert read.port == "8000"
    (own,) = re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(own) == given, "the image's own command is the API"


def test_only_the_api_is_published_and_only_to_this_machine() -> None:
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    assert list(published) == ["api"]
    assert all(each.startswith("127.0.0.1:") for each in published["api"])


def test_state_has_no_way_out() -> None:
    assert COMPOSE["networks"]["state"]["internal"] is True
    for name in ("postgres", "redis", "migrate", "sweep", "trainer"):
        assert SERVICES[name]["networks"] == ["state"]
    assert SERVICES["demo-teacher"]["networks"] == ["outside"]
    assert set(COMPOSE["networks"]) == {net for s in SERVICES.values() for net in s["networks"]}


def test_names_only_settings_that_exist() -> None:
    for service in OURS.values():
        assert set(service.get("environment", {})) <= known_variables()
    named = set(re.findall(r"^(CULTIVAR_\w+|OPENAI_\w+)=", PATTERN, re.MULTILINE))
    in_image = set(re.findall(r"\b(CULTIVAR_\w+)=", DOCKERFILE))
    substituted = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert named | in_image | (substituted - {"MODELS_DIRECTORY"}) <= known_variables()


def test_secrets_are_files_and_nothing_else() -> None:
    """Not in the environment, where `docker inspect` and every child would see them."""
    made = {name: each["file"] for name, each in COMPOSE["secrets"].items()}
    assert made == {name: f"./secrets/{name}" for name in made}
    wanted = {name: set(each.get("secrets", ())) for name, each in SERVICES.items()}
    own = {"cultivar_database_url", "cultivar_master_key"}
    assert wanted["postgres"] == {"postgres_password"}
    assert {name for name in SERVICES if own == wanted[name]} == OPENS_KEYS
    for name in OURS.keys() - OPENS_KEYS - {"demo-teacher"}:
        assert wanted[name] == {"cultivar_database_url"}, "least of all what runs models"
    assert wanted["demo-teacher"] == set()
    variables = {name.lower() for name in known_variables()}
    assert own <= variables, "a file is read where it is called like a variable"
    for service in SERVICES.values():
        given = " ".join(map(str, service.get("environment", {}).items()))
        assert not re.search(r"PASSWORD'|MASTER_KEY|://[^/]*:[^/]*@", given)
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".env", "secrets/"} <= set(ignored)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*", "only what is listed"
    assert not re.search(r"^(POSTGRES_PASSWORD|CULTIVAR_MASTER_KEY)=", PATTERN, re.MULTILINE)


def test_settings_are_read_from_the_secrets_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SECRETS", tmp_path)
    monkeypatch.delenv("CULTIVAR_DATABASE_URL", raising=False)
    monkeypatch.delenv("CULTIVAR_MASTER_KEY", raising=False)
    (tmp_path / "cultivar_database_url").write_text("postgresql+psycopg://a:b@c/d\n")
    (tmp_path / "cultivar_master_key").write_text("c2VjcmV0\n")
    (tmp_path / "openai_api_key").write_text("sk-file\n")
    read = Settings()
    assert read.database_url == "postgresql+psycopg://a:b@c/d"
    assert read.master_key == SecretStr("c2VjcmV0")
    assert read.openai_api_key == SecretStr("sk-file")
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", "postgresql+psycopg://e/f")
    assert Settings().database_url == "postgresql+psycopg://e/f", "the environment wins"


def test_redis_refuses_rather_than_forgets() -> None:
    command = SERVICES["redis"]["command"]
    assert options(command) == {
        "--maxmemory": "256mb",
        "--maxmemory-policy": "noeviction",
        "--save": "",
        "--appendonly": "no",
    }
    assert "volumes" not in SERVICES["redis"]


def test_volumes_are_declared_and_used() -> None:
    mounts = [
        mount.split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if not mount.startswith("${")
    ]
    assert set(mounts) == set(COMPOSE["volumes"])
    assert SERVICES["postgres"]["image"] == "postgres:18"
    # Since 18 the official image keeps its clusters one level higher than before.
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    home = OURS["api"]["environment"]["CULTIVAR_HOME"]
    assert OURS["api"]["volumes"] == [f"home:{home}"]
    assert f"CULTIVAR_HOME={home}" in DOCKERFILE


def test_the_trainer_asks_for_one_gpu() -> None:
    devices = SERVICES["trainer"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]


def test_the_trainers_image_has_the_libraries_by_hash_and_the_rest_as_the_others() -> None:
    text = (ROOT / "Dockerfile.train").read_text(encoding="utf-8")
    for name in ("requirements-train.lock", "requirements-train-cuda.lock", "requirements.lock"):
        assert f"--require-hashes -r {name}" in text or f"-r {name}" in text
        assert f"!{name}" in (ROOT / ".dockerignore").read_text().splitlines()
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == [OURS["trainer"]["user"]]
    assert "CULTIVAR_TRAIN_PYTHON=/opt/train/bin/python" in text
    listed = json.loads(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[0])
    assert set(listed) <= set(SERVICES["trainer"]["command"])


def stages() -> list[str]:
    """The Dockerfile's stages, each from its FROM line on, without comments."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    return re.split(r"(?m)^(?=FROM )", text)[1:]


def test_installs_by_hash_in_a_stage_that_is_left_behind() -> None:
    build, final = stages()
    assert build.startswith("FROM python:3.13-slim AS build\n")
    installs = [line for line in re.split(r"&&|\nRUN ", build) if " install " in line]
    assert len(installs) == 3
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    assert all("--no-deps" in each for each in installs)
    assert "-r requirements.lock" in installs[1]
    assert "COPY requirements.lock" in build
    assert final.startswith("FROM python:3.13-slim\n")
    for tool in ("pip ", "apt-get", "gcc", "build-essential", "curl"):
        assert tool not in final
    for path in ("/opt/cultivar", "/app"):
        assert f"COPY --from=build {path} {path}\n" in final


def test_the_image_does_not_run_as_root() -> None:
    final = stages()[-1]
    user = re.findall(r"^USER (.+)$", final, re.MULTILINE)
    assert user == [OURS["api"]["user"]]
    assert f"--uid {user[0].split(':')[0]} " in final
    assert final.index("USER ") < final.index("CMD ")


def test_the_backend_that_the_build_installs_first_is_pinned() -> None:
    pins = (ROOT / "requirements.lock").read_text()
    assert "/^setuptools==/" in DOCKERFILE
    assert re.search(r"^setuptools==\S+ \\\n(    --hash=sha256:\w+( \\)?\n)+", pins, re.MULTILINE)


def test_the_context_holds_what_the_code_reads() -> None:
    listed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert all((ROOT / name).exists() for name in listed)
    assert {"app", "workers", "migrations", "pyproject.toml", "requirements.lock"} <= listed
    project = (ROOT / "pyproject.toml").read_text()
    for name in re.findall(r'^readme = "(.+)"|^script_location = "(.+)"', project, re.MULTILINE):
        assert "".join(name) in listed
    assert not {Path(".git"), Path(".env"), Path(".cultivar")} & {Path(name) for name in listed}
