"""What a slice remembers of the conversations that it carries on, so that it reads little twice.

Nothing here is the truth: whatever is missing is read from Postgres, and after a transaction that
failed all of it is forgotten.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from app.domain.conversing import Finished, carry_on, go_on
from app.domain.lifecycle import ConversationKind
from app.domain.method import Completion, Conversation, Prompt
from app.domain.records import Answer, Candidate, Instance, Source
from app.domain.row_language import judged_language
from app.domain.stored import ConversationRecord
from app.llm.replies import ReadReply
from app.use_cases.job_context import JobContext

MOST_KEPT = 20_000
_INSTANCES = TypeAdapter(tuple[Instance, ...])

Following = Prompt | Finished[Sequence[Candidate]] | Finished[Answer]
Value = TypeVar("Value")


@dataclass(slots=True)
class Talk:
    """One open conversation; `going` waits for what comes after `said`, None when it must replay.

    `sources` is what it proposes from, `candidate` (id, instruction, ...) what it answers.
    """

    record: ConversationRecord
    sources: Sequence[Source] = ()
    candidate: Mapping[str, Any] | None = None
    said: list[Completion] = field(default_factory=list[Completion])
    going: Conversation[Any] | None = None

    def resume(self, context: JobContext) -> Following:
        """The next prompt after all that was said, or what the conversation returned."""
        self.going = self._begin(context)
        return self._taken(context, carry_on(self.going, self.said))

    def hear(self, context: JobContext, completion: Completion) -> Following:
        """Carry the conversation on with what came back."""
        self.said.append(completion)
        if self.going is None:
            return self.resume(context)
        return self._taken(context, go_on(self.going, completion))

    def _taken(self, context: JobContext, following: Following) -> Following:
        if not isinstance(following, Finished):
            return following
        self.going = None
        outcome = following.outcome
        if isinstance(outcome, Answer):
            about = (self.candidate or {}).get("instruction", "")
            return Finished(judged_language(context.method, outcome, [about]))
        sources = [each.instruction for each in self.sources]
        return Finished(judged_language(context.method, outcome, sources))

    def _begin(self, context: JobContext) -> Conversation[Any]:
        if self.record.kind == ConversationKind.PROPOSE:
            rng = context.rng(ConversationKind.PROPOSE, self.record.number)
            return context.method.propose(self.sources, rng)
        if self.candidate is None:
            raise LookupError("an answer conversation without its candidate")
        return context.method.answer(candidate_of(self.candidate))


def candidate_of(stored: Mapping[str, Any]) -> Candidate:
    """A stored candidate as its method returned it."""
    return Candidate(
        stored["instruction"],
        stored["is_classification"],
        instances=_INSTANCES.validate_python(stored["instances"] or ()),
        facts=stored["facts"] or {},
    )


class Kept(Generic[Value]):
    """The newest values by id; the oldest are forgotten past `MOST_KEPT`."""

    def __init__(self) -> None:
        self._values: OrderedDict[UUID, Value] = OrderedDict()

    def put(self, key: UUID, value: Value) -> None:
        """Keep a value."""
        self._values[key] = value
        if len(self._values) > MOST_KEPT:
            self._values.popitem(last=False)

    def get(self, key: UUID) -> Value | None:
        """The value of a key, if it is kept."""
        return self._values.get(key)

    def take(self, key: UUID) -> Value | None:
        """The value of a key, which is kept no longer."""
        return self._values.pop(key, None)

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()


class Memory:
    """Open conversations by id, prompts of slots that wait, and replies stored but not yet read."""

    def __init__(self) -> None:
        self.talks: Kept[Talk] = Kept()
        self.prompts: Kept[Prompt] = Kept()
        self.replies: Kept[ReadReply] = Kept()

    def forget(self) -> None:
        """Nothing of it can be relied on: a transaction failed, or its end is in doubt."""
        for kept in (self.talks, self.prompts, self.replies):
            kept.clear()
