"""The manifests for Kubernetes, against its own schemas and against the compose file."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.embedded.migrate import ROOT
from app.settings import SECRETS
from tests.test_compose import OPENS_KEYS, SERVICES, known_variables

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.34", "1.37")


def documents() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object, with the name of its file."""
    for path in sorted(FOLDER.glob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if each["kind"] != "Kustomization":
                yield path.name, each


ALL = [each for _, each in documents()]
IDS = [f"{each['kind']}/{each['metadata']['name']}" for each in ALL]
PODS = {
    each["metadata"]["name"]: each["spec"]["template"]["spec"]
    for each in ALL
    if each["kind"] in {"Deployment", "Job"}
}
OURS = {name: pod for name, pod in PODS.items() if name != "redis"}


def of_kind(kind: str) -> dict[str, Mapping[str, Any]]:
    return {each["metadata"]["name"]: each["spec"] for each in ALL if each["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", ALL, ids=IDS)
def test_fits_the_schema(document: Mapping[str, Any], version: str) -> None:
    kubernetes_validate.validate(dict(document), version, strict=True)


def test_a_misspelt_field_would_be_seen() -> None:
    wrong = copy.deepcopy(next(each for each in ALL if each["kind"] == "Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["readonlyRootFilesystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(dict(wrong), VERSIONS[-1], strict=True)


def test_every_file_is_applied() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("name", PODS)
def test_is_hardened(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert not any("hostPath" in each for each in pod["volumes"])
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", OURS)
def test_runs_what_compose_runs(name: str) -> None:
    (container,) = OURS[name]["containers"]
    given, wanted = container["command"], SERVICES[name]["command"]
    if name == "api":  # the networks of the proxy are others here
        assert given[-2:-1] == wanted[-2:-1] == ["--trusted-proxies"]
        given, wanted = given[:-1], wanted[:-1]
    assert given == wanted
    assert container["image"] == "cultivar"
    user = SERVICES[name]["user"]
    context = OURS[name]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == user
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        str(SECRETS),
        "/tmp",  # noqa: S108 - of the container, in memory
        "/var/lib/cultivar",
    }


def test_redis_is_started_as_compose_starts_it() -> None:
    (container,) = PODS["redis"]["containers"]
    assert container["args"] == SERVICES["redis"]["command"]
    assert container["image"] == SERVICES["redis"]["image"]


def test_is_watched() -> None:
    for name, pod in PODS.items():
        if name != "migrate":
            assert "livenessProbe" in pod["containers"][0], name
    assert {"startupProbe", "readinessProbe"} <= PODS["api"]["containers"][0].keys()
    for name in ("generate", "admit-export", "sweep"):
        probed = PODS[name]["containers"][0]["livenessProbe"]["exec"]["command"]
        assert probed == SERVICES[name]["healthcheck"]["test"][1:]


def test_drains_a_few_at_a_time() -> None:
    budgets = of_kind("PodDisruptionBudget")
    assert set(budgets) == {"api", "generate", "admit-export", "sweep"}
    for name, budget in budgets.items():
        assert budget["selector"] == of_kind("Deployment")[name]["selector"]


def test_secrets_are_nowhere_and_settings_exist() -> None:
    assert "Secret" not in {each["kind"] for each in ALL}
    (config,) = [each["data"] for each in ALL if each["kind"] == "ConfigMap"]
    assert set(config) <= known_variables()
    assert not set(config) & {"CULTIVAR_MASTER_KEY", "CULTIVAR_DATABASE_URL", "OPENAI_API_KEY"}
    assert config["CULTIVAR_HOME"] == SERVICES["api"]["environment"]["CULTIVAR_HOME"]
    for name, pod in OURS.items():
        assert pod["containers"][0]["envFrom"] == [{"configMapRef": {"name": "cultivar"}}]
        (mounted,) = [each["secret"] for each in pod["volumes"] if "secret" in each]
        only = mounted.pop("items", None)
        assert mounted == {"secretName": "cultivar", "defaultMode": 0o440}
        url = "cultivar_database_url"
        assert only == (None if name in OPENS_KEYS else [{"key": url, "path": url}])


def test_the_network_lets_nothing_through_that_is_not_named() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (teachers,) = policies["to-teachers"]["egress"]
    private = teachers["to"][0]["ipBlock"]["except"]
    assert "169.254.0.0/16" in private, "where clouds keep their secrets"
    reached = policies["to-teachers"]["podSelector"]["matchExpressions"][0]["values"]
    assert set(reached) == {
        name for name in OURS if "outside" in SERVICES[name].get("networks", [])
    }
    allowed = policies["to-the-api"]["ingress"][0]["from"]
    assert all("namespaceSelector" in each for each in allowed)
