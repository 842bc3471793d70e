"""Try a teacher out with one tiny call, and say in words what is wrong with it."""

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

import httpx2

from app.domain.method import Decoding, Prompt, Rated
from app.errors import TeacherFailure
from app.llm.addresses import AddressRefused
from app.llm.embeddings import read_embeddings
from app.llm.guard import Guard
from app.llm.outcomes import error_codes
from app.llm.replies import Rejection, read_reply
from app.llm.teacher import Call, Endpoint, Fault, Outcome, Reply, Teacher, Texts
from app.llm.transport import Line, UnusableAddress

CHECK_TIMEOUT_S = 30.0

# Enough that a model which thinks first still gets to write a word.
_CHECK_TOKENS = 16
_PROMPT = Prompt(
    step="check",
    text="Answer with one word: what colour is the sky on a clear day?",
    decoding=Decoding(max_tokens=_CHECK_TOKENS),
    version="check@1",
)
_ROW = replace(_PROMPT, rated=Rated(_PROMPT.text, "", "Blue."))
_TEXTS = Texts(("What colour is the sky on a clear day?",), step="check")


class Stage(StrEnum):
    """How far a teacher was reached."""

    ADDRESS = "address"
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    AUTH = "auth"
    MODEL = "model"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a teacher that works answered, how fast, and the tokens that it reported."""

    text: str
    finish_reason: str | None
    elapsed_s: float
    prompt_tokens: int | None
    completion_tokens: int | None
    request_id: str | None


def check_teacher(teacher: Teacher, guard: Guard | None = None) -> CheckReport:
    """Make one call of at most 16 tokens; raises TeacherFailure with the stage that failed.

    A reply that is empty because it hit that limit counts as working.
    """
    reply = asyncio.run(_ask(teacher, guard or Guard()))
    if reply.outcome is not Outcome.ANSWERED:
        raise TeacherFailure(_words(reply), stage=_stage(reply))
    if teacher.endpoint is Endpoint.EMBEDDINGS:
        return _embedder_report(reply)
    read = read_reply(teacher.endpoint, reply.raw)
    if read.rejection not in (None, Rejection.NULL_CONTENT):
        raise TeacherFailure(f"The reply cannot be used: {read.rejection}.", stage=Stage.REPLY)
    return CheckReport(
        text=read.completion.text if read.completion else "",
        finish_reason=read.completion.finish_reason if read.completion else None,
        elapsed_s=reply.elapsed_s,
        prompt_tokens=read.prompt_tokens,
        completion_tokens=read.completion_tokens,
        request_id=reply.request_id,
    )


def _embedder_report(reply: Reply) -> CheckReport:
    read = read_embeddings(reply.raw, len(_TEXTS.texts))
    if read.error is not None:
        raise TeacherFailure(f"The reply cannot be used: {read.error}", stage=Stage.REPLY)
    return CheckReport(
        text=f"a vector of {read.vectors[0].size} numbers",
        finish_reason=None,
        elapsed_s=reply.elapsed_s,
        prompt_tokens=read.tokens,
        completion_tokens=None,
        request_id=reply.request_id,
    )


async def _ask(teacher: Teacher, guard: Guard) -> Reply:
    patient = replace(teacher, timeout_s=min(teacher.timeout_s, CHECK_TIMEOUT_S))
    try:
        line = Line(patient, httpx2.create_ssl_context(), guard)
    except AddressRefused as error:
        raise TeacherFailure(str(error), stage=Stage.ADDRESS) from None
    except UnusableAddress as error:
        raise TeacherFailure(str(error), stage=Stage.DNS) from None
    try:
        questions = {Endpoint.EMBEDDINGS: _TEXTS, Endpoint.SCORE: _ROW}
        question = questions.get(teacher.endpoint, _PROMPT)
        return await line.ask(Call("check", 1, patient, question))
    finally:
        await line.close()


def _words(reply: Reply) -> str:
    words = reply.error or f"The check ended as {reply.outcome}."
    if reply.outcome is Outcome.UNAUTHORIZED and reply.status == 404:
        return (
            f"Not found: {words} Is the model's name right, and does the address end in its "
            "version, such as /v1?"
        )
    return words


def _stage(reply: Reply) -> Stage:
    match reply.outcome:
        case Outcome.NOT_SENT:
            stages = {Fault.DNS: Stage.DNS, Fault.TLS: Stage.TLS}
            return stages.get(reply.fault or Fault.CONNECT, Stage.TCP)
        case Outcome.UNAUTHORIZED if reply.fault is Fault.ADDRESS:
            return Stage.ADDRESS
        case Outcome.UNAUTHORIZED:
            return Stage.MODEL if _names_the_model(reply) else Stage.AUTH
        case Outcome.QUOTA:
            return Stage.AUTH
        case (
            Outcome.ANSWERED
            | Outcome.RATE_LIMITED
            | Outcome.REFUSED
            | Outcome.SERVER_ERROR
            | Outcome.UNKNOWN
            | Outcome.UNREADABLE
            | Outcome.TOO_LARGE
            | Outcome.REDIRECTED
        ):
            return Stage.REPLY
        case _:
            assert_never(reply.outcome)


def _names_the_model(reply: Reply) -> bool:
    return reply.status == 404 or "model_not_found" in error_codes(reply.raw)
