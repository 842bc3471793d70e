"""Ids that name nothing, forged pages, wrong states, ranges that are not there."""

import base64
import json
from collections.abc import Iterator

from tests.api.bad_request import Bad, sent


def ids() -> Iterator[Bad]:
    """Ids that name nothing."""
    families = (
        "seed-sets", "document-sets", "evaluation-sets", "teachers", "jobs", "exports", "reviews",
        "comparisons",
    )  # fmt: skip
    for family in (*families, "rows"):
        for given in ("{unknown}", "x", "%00", "..%2f..%2fetc%2fpasswd", "1" * 300):
            yield Bad(f"{family} {given[:9]}", 404, "not_found", path=f"/v1/{family}/{given}")
    for family in families:
        path = f"/v1/{family}/{{unknown}}"
        yield Bad(f"delete of {family}", 404, "not_found", "DELETE", path)
    yield Bad("lineage of no row", 404, "not_found", path="/v1/rows/{unknown}/lineage")
    yield Bad("decisions about no row", 404, "not_found", path="/v1/rows/{unknown}/decisions")
    for part in ("rows", "sheet"):
        yield Bad(f"{part} of no review", 404, "not_found", path=f"/v1/reviews/{{unknown}}/{part}")
    for part in ("events", "calls", "candidates", "rows"):
        yield Bad(f"{part} of no job", 404, "not_found", path=f"/v1/jobs/{{unknown}}/{part}")
    for action in ("pause", "resume", "cancel", "retry"):
        yield Bad(f"{action} no job", 404, "not_found", "POST", f"/v1/jobs/{{unknown}}/{action}")
        yield Bad(f"{action} bad id", 404, "not_found", "POST", f"/v1/jobs/x/{action}")
    yield Bad("rows of a bad id", 404, "not_found", path="/v1/rows?job_id=x")
    yield Bad("rows of no job", 404, "not_found", path="/v1/rows?job_id={unknown}")
    yield Bad("rows of what", 422, "missing_field", path="/v1/rows")
    for part in ("documents", "chunks"):
        for given in ("{unknown}", "{seed_set}"):
            where = f"/v1/document-sets/{given}/{part}"
            yield Bad(f"{part} of no set {given}", 404, "not_found", path=where)
    where = "/v1/document-sets/{documents}/documents/{unknown}"
    yield Bad("delete of no document", 404, "not_found", "DELETE", where)
    yield Bad("method", 404, "not_found", path="/v1/methods/alchemy")


def pages() -> Iterator[Bad]:
    """Limits and cursors that we did not give."""
    lists = (
        "seed-sets", "seed-sets/{seed_set}/seeds", "teachers", "jobs", "jobs/{job}/calls",
        "jobs/{job}/candidates", "jobs/{job}/rows", "exports", "evaluation-sets",
        "evaluation-sets/{evaluation_set}/items", "document-sets",
        "document-sets/{documents}/documents", "document-sets/{documents}/chunks",
    )  # fmt: skip
    for path in lists:
        for limit in ("0", "1000000", "-1"):
            yield Bad(
                f"{path} limit {limit}", 422, "out_of_range", path=f"/v1/{path}?limit={limit}"
            )
        for cursor in ("x", "%00", "WyJqb2JzIl0", forged("jobs", 5, {}), "a" * 3000):
            where = f"/v1/{path}?cursor={cursor}"
            yield Bad(f"{path} cursor {cursor[:12]}", 422, "cursor_invalid", path=where)
    yield Bad("limit is no number", 422, "wrong_type", path="/v1/jobs?limit=x")
    yield Bad("state of jobs", 422, "wrong_type", path="/v1/jobs?state=done")
    yield Bad("state of calls", 422, "wrong_type", path="/v1/jobs/{job}/calls?state=lost")
    yield Bad("reason", 422, "wrong_type", path="/v1/jobs/{job}/candidates?reason=%00")
    yield Bad("sort", 422, "unknown_field", path="/v1/jobs?sort=name;drop")


def cursors() -> Iterator[Bad]:
    """Cursors that are formed as ours are, with values that no page ends with."""
    kinds = {
        "seed-sets": forged("seed_sets", "a\x00"),
        "seed-sets/{seed_set}/seeds": forged("seeds", 1 << 70),
        "document-sets": forged("seed_sets", 7),
        "document-sets/{documents}/documents": forged("documents", "x"),
        "document-sets/{documents}/chunks": forged("seeds", None),
        "teachers": forged("teachers", None),
        "jobs": forged("jobs", ["x"]),
        "jobs/{job}/calls": forged("calls", "propose\x00", 0, 0),
        "jobs/{job}/candidates": forged("candidates", {"a": 1}),
        "jobs/{job}/rows": forged("rows", 0, 1.5),
        "exports": forged("exports", True),
        "evaluation-sets": forged("evaluation_sets", 1),
        "evaluation-sets/{evaluation_set}/items": forged("evaluation_items", "x"),
    }
    for path, cursor in kinds.items():
        where = f"/v1/{path}?cursor={cursor}"
        yield Bad(f"{path} cursor well forged", 422, "cursor_invalid", path=where)
    odd = forged("calls", [], 0, 0)
    yield Bad(
        "call cursor with a list",
        422,
        "cursor_invalid",
        path=f"/v1/jobs/{{job}}/calls?cursor={odd}",
    )
    huge = forged("calls", "propose", 1 << 61, 1 << 61)
    yield Bad(
        "call cursor beyond int4",
        422,
        "cursor_invalid",
        path=f"/v1/jobs/{{job}}/calls?cursor={huge}",
    )
    huge = forged("rows", 1 << 61, 1 << 61)
    yield Bad(
        "row cursor beyond int4", 422, "cursor_invalid", path=f"/v1/jobs/{{job}}/rows?cursor={huge}"
    )


def searches() -> Iterator[Bad]:
    """Texts to look for that Postgres cannot hold."""
    for text in ("rows?job_id={job}&text=%00", "rows?job_id={job}&text=a%00b"):
        yield Bad(f"nul in {text}", 422, "nul_character", path=f"/v1/{text}")
    for name in ("action", "actor"):
        where = f"/v1/audit-log?{name}=key%00"
        yield Bad(f"nul in {name}", 422, "control_character", path=where)


def forged(*key: object) -> str:
    """A cursor in our own encoding."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def states() -> Iterator[Bad]:
    """Right content, wrong state."""
    for name, action in (
        ("succeeded", "pause"), ("succeeded", "resume"), ("succeeded", "cancel"),
        ("cancelled", "pause"), ("cancelled", "resume"), ("cancelled", "retry"), ("job", "x"),
    ):  # fmt: skip
        path = f"/v1/jobs/{{{name}}}/{action}"
        if action == "x":
            yield Bad("no such action", 404, "not_found", "POST", path)
        else:
            says = (name,)
            yield Bad(f"{action} {name}", 409, "invalid_state", "POST", path, says=says)
    only = {"only": "failed"}
    path = "/v1/jobs/{succeeded}/retry"
    yield sent("retry nothing", path, only, 409, "nothing_to_retry")
    for path in ("/v1/seed-sets/{seed_set}", "/v1/teachers/{teacher}"):
        yield Bad(f"delete {path[4:9]}", 409, "in_use", "DELETE", path, says=("{job}",))
    yield Bad("delete a live job", 409, "in_use", "DELETE", "/v1/jobs/{job}")
    yield Bad("export is queued", 409, "invalid_state", path="/v1/exports/{queued_export}/download")


def exports() -> Iterator[Bad]:
    """Exports that cannot be made, ranges that are not there."""

    def export(id: str, status: int, code: str, **changed: object) -> Bad:
        body = {"job_id": "{job}", "format": "alpaca", **changed}
        return sent(f"export: {id}", "/v1/exports", body, status, code)

    yield export("format", 422, "unknown_format", format="xlsx")
    yield export("format is a number", 422, "wrong_type", format=5)
    yield export("field", 422, "unknown_field", formt="alpaca")
    yield export("option", 422, "unknown_field", options={"with_ids": True})
    yield export("no job", 404, "not_found", job_id="{unknown}")
    yield export("bad job id", 404, "not_found", job_id="x")
    for given in (
        "bytes=0-1,3-4", "bytes=5-1", "bytes=99999-", "bytes=-0", "bytes=", "bytes=-", "bytes=a-b",
        "bytes=" + "0-0," * 1000 + "0-0", "bytes=" + "9" * 30 + "-",
    ):  # fmt: skip
        path, headers = "/v1/exports/{ready_export}/download", {"range": given}
        id = f"range {given[:14]}"
        yield Bad(id, 416, "range_not_satisfiable", path=path, headers=headers)


def reviews() -> Iterator[Bad]:
    """Reviews that cannot be begun, verdicts on nothing."""

    def review(id: str, status: int, code: str, **changed: object) -> Bad:
        body = {"job_id": "{job}", **changed}
        return sent(f"review: {id}", "/v1/reviews", body, status, code)

    yield review("no job", 404, "not_found", job_id="{unknown}")
    yield review("bad job id", 404, "not_found", job_id="x")
    yield review("no rows yet", 409, "invalid_state", job_id="{succeeded}")
    yield review("rows", 422, "out_of_range", rows=5_001)
    yield review("rows as text", 422, "wrong_type", rows="5")
    yield review("seed", 422, "out_of_range", random_seed=1 << 62)
    yield review("huge seed", 422, "number_out_of_range", random_seed=1 << 70)
    yield review("reviewer", 422, "control_character", reviewer="\x07")
    yield review("field", 422, "unknown_field", row=5)
    verdict = {"row_id": "{row}", "verdict": "keep"}
    path = "/v1/reviews/{unknown}/decisions"
    yield sent("verdict in no review", path, verdict, 404, "not_found")
    yield Bad("language of rows", 422, "wrong_type", path="/v1/rows?job_id={job}&language=EN")


def http() -> Iterator[Bad]:
    """Requests that no address of ours takes."""
    yield Bad("unknown path", 404, "not_found", path="/v1/nothing")
    yield Bad("trailing slash", 404, "not_found", path="/v1/jobs/")
    yield Bad("method", 405, "method_not_allowed", "PUT", "/v1/jobs", says=("GET, POST",))
    path = "/dashboard/jobs/{job}/pause"
    yield Bad("method of a page", 405, "method_not_allowed", "PUT", path, says=("POST",))
    yield Bad("accept", 406, "not_acceptable", headers={"accept": "image/png"})
    refused = {"accept": "application/json;q=0"}
    yield Bad("accept nothing", 406, "not_acceptable", headers=refused)
    yield Bad("long URL", 414, "url_too_long", path="/v1/jobs?cursor=" + "x" * 8200)
    yield Bad("long header", 431, "headers_too_large", headers={"x-long": "x" * 33_000})
    many = {f"x-{at}": "x" for at in range(101)}
    yield Bad("many headers", 431, "headers_too_large", headers=many)
