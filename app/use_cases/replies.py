"""The replies that a job was paid for, as a file to replay them from under other settings."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from app.db import replies as queries
from app.db.replies import RawReply
from app.llm.replies import read_reply
from app.llm.teacher import Endpoint
from app.runtime import Runtime
from app.use_cases import jobs

_PAGE = 500


class Step(StrEnum):
    """Whose replies: those that propose instructions, classify them, or answer them."""

    PROPOSE = "propose"
    CLASSIFY = "classify"
    ANSWER = "answer"


def of_job(runtime: Runtime, job_id: UUID, step: Step) -> Iterator[Mapping[str, object]]:
    """The lines of a file that `replay` reads, in the order of the calls; raises NotFound.

    Step propose: `{"prompt", "reply", "finish_reason"}`. Step classify: `{"instruction",
    "reply"}`. Step answer: `{"instruction", "reply", "finish_reason"}`. A reply that could not be
    read is null.
    """
    jobs.get(runtime, job_id)
    return (_line(step, each) for each in _found(runtime, job_id, step))


def _found(runtime: Runtime, job_id: UUID, step: Step) -> Iterator[RawReply]:
    place = (-1, -1)
    while True:
        with runtime.database.transaction() as connection:
            found = queries.after(connection, job_id, step, place, _PAGE)
        yield from found
        if len(found) < _PAGE:
            return
        place = found[-1].place


def _line(step: Step, found: RawReply) -> Mapping[str, object]:
    completion = read_reply(Endpoint(found.endpoint), found.raw).completion
    reply = None if completion is None else completion.text
    reason = None if completion is None else completion.finish_reason
    match step:
        case Step.PROPOSE:
            return {"prompt": found.prompt, "reply": reply, "finish_reason": reason}
        case Step.CLASSIFY:
            return {"instruction": found.instruction, "reply": reply}
        case Step.ANSWER:
            return {"instruction": found.instruction, "reply": reply, "finish_reason": reason}
        case _:
            assert_never(step)
