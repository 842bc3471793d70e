"""Keys and the audit log on the command line."""

from app.runtime import Runtime
from app.use_cases import audit
from tests.cli.running import CommandLine


def test_a_key_from_its_making_to_its_end(cultivar: CommandLine, runtime: Runtime) -> None:
    made = cultivar("keys", "create", "--name", "ci", "--scope", "jobs:read", "--days", "7")
    assert made.status == 0, made.errors
    assert made.text.startswith("cvr_")
    assert "not shown again" in made.errors
    prefix = "_".join(made.text.split("_")[:2])
    listed = cultivar("keys", "list")
    assert prefix in listed.text
    assert made.text.strip() not in listed.text
    rotated = cultivar("keys", "rotate", prefix, "--overlap-s", "60", "--json").json()
    assert rotated["key"].startswith("cvr_")
    assert cultivar("keys", "rotate", prefix).status == 1
    assert cultivar("keys", "revoke", rotated["id"]).status == 0
    assert cultivar("keys", "revoke", "cvr_unknown").status == 1
    wrong = cultivar("keys", "create", "--name", "", "--scope", "train")
    assert wrong.status == 2
    assert "must say whose" in wrong.errors
    actions = {each.action: each for each in audit.page(runtime).items}
    assert {"key.create", "key.rotate", "key.revoke"} <= set(actions)
    assert actions["key.create"].actor_kind == "command_line"
    assert actions["key.create"].actor, "whose account it was"


def test_the_log_is_listed_and_checked(cultivar: CommandLine, runtime: Runtime) -> None:
    cultivar("keys", "create", "--name", "a", "--scope", "train")
    assert "key.create" in cultivar("audit", "list").text
    assert cultivar("audit", "list", "--json").json()["items"][0]["number"] == 1
    whole = cultivar("audit", "verify")
    assert whole.status == 0
    head = whole.text.split("head")[1].strip()
    assert cultivar("audit", "verify", "--head", head).status == 0
    other = head.split(":")[0] + ":" + "0" * 64
    broken = cultivar("audit", "verify", "--head", other)
    assert broken.status == 1
    assert "another entry stood here" in broken.text
    assert cultivar("audit", "verify", "--head", "nonsense").status == 2


def test_no_link_without_a_service_of_this_machine(cultivar: CommandLine, runtime: Runtime) -> None:
    assert cultivar("keys", "link").status == 1
