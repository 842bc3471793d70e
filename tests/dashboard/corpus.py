"""Texts that would do harm if a page took them for more than text, put wherever a text can come."""

from dataclasses import dataclass
from uuid import UUID

import orjson
import sqlalchemy as sa

from app.db import candidates, counts, exports, paid, rows, slots
from app.db.counts import Tally
from app.db.ids import new_id
from app.domain.documents import DocumentKind
from app.domain.lifecycle import CandidateState, ExportState, RowState, SlotState
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import document_sets, evaluation_sets, jobs, reviews, seed_sets, teachers
from app.use_cases.document_sets import DocumentDetails
from app.use_cases.evaluation_sets import EvaluationSetDetails
from app.use_cases.jobs import JobDetails
from app.use_cases.reviews import ReviewDetails
from app.use_cases.seed_sets import SeedSetDetails
from app.use_cases.teachers import TeacherDetails
from app.use_cases.verdicts import Given
from tests.api.stored_job import completion, stored_conversation, stored_slots
from tests.dashboard.poisoned_results import results_of

CANARY = "http://canary.example"
# Each tries another door; all of them would call the canary, open a dialog, or break the policy.
PAYLOADS = (
    "<script>alert(1)</script>",
    f"<script src={CANARY}/x.js></script>",
    f"<img src={CANARY}/x.png>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    f"<iframe src={CANARY}></iframe>",
    '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    f"<link rel=stylesheet href={CANARY}/x.css>",
    f"<style>@import '{CANARY}/x.css'; body {{ display: none }}</style>",
    f"<base href={CANARY}/>",
    f'<meta http-equiv="refresh" content="0;url={CANARY}">',
    f"<form action={CANARY}><button>go</button></form>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</option></select><script>alert(1)</script>",
    "</pre><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "javascript:alert(1)",
    f"[click](javascript:alert(1)) ![]({CANARY}/y.png)",
    "data:text/html,<script>alert(1)</script>",
    "{{7*7}} {% raw %} ${7*7} #{7*7}",
    "{{ self.__init__.__globals__ }}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "<scr\tipt>alert(1)</scr\tipt>",
    "<script\n>alert(1)</script\n>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "\u202etpircs<alert(1)\u202c",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<xss style='behavior: url(x.htc)' onclick=alert(1)>",
    f"<object data={CANARY}/x.swf></object><embed src={CANARY}/x>",
    "`-alert(1)-`",
    "]]><script>alert(1)</script>",
)
# What a name may hold: no control characters, and not too long.
NAMES = tuple(each for each in PAYLOADS if each.isprintable() and len(each) < 100)


# What a prompt text may hold: no other placeholders.
UNBRACED = tuple(each for each in PAYLOADS if "{{" not in each)


@dataclass(frozen=True)
class Poisoned:
    """Where the texts are."""

    job: Job
    seed_set_id: UUID
    teacher_id: UUID
    row_id: UUID
    dropped_row_id: UUID
    export_id: UUID
    document_set_id: UUID
    review_id: UUID
    evaluation_set_id: UUID
    results: list[str]

    @property
    def pages(self) -> list[str]:
        """Every page of the dashboard that shows something."""
        job = f"/dashboard/jobs/{self.job.id}"
        teacher = f"/dashboard/teachers/{self.teacher_id}"
        return [
            "/dashboard/jobs",
            "/dashboard/jobs?state=queued",
            job,
            f"{job}/cancel",
            f"{job}/delete",
            f"{job}/change",
            "/dashboard/jobs/new",
            f"/dashboard/jobs/new?clone={self.job.id}",
            f"/dashboard/jobs/new?evaluation_set={self.evaluation_set_id}",
            "/dashboard/evaluation-sets",
            f"/dashboard/evaluation-sets/{self.evaluation_set_id}",
            "/dashboard/seed-sets",
            f"/dashboard/seed-sets/{self.seed_set_id}",
            "/dashboard/documents",
            f"/dashboard/documents/{self.document_set_id}",
            "/dashboard/template-sets",
            "/dashboard/training",
            "/dashboard/comparisons",
            "/dashboard/teachers",
            "/dashboard/teachers/new",
            teacher,
            f"{teacher}/change",
            f"/dashboard/rows?job={self.job.id}",
            f"/dashboard/rows?job={self.job.id}&state=rejected&text=alert",
            f"/dashboard/rows/{self.row_id}",
            f"/dashboard/rows/{self.dropped_row_id}",
            f"/dashboard/rows?job={self.job.id}&language=en",
            f"{job}/report",
            "/dashboard/reviews",
            f"/dashboard/reviews/{self.review_id}",
            f"/dashboard/reviews/{self.review_id}/rows/1",
            f"/dashboard/reviews/{self.review_id}/rows/2",
            "/dashboard/exports",
            f"/dashboard/exports/{self.export_id}",
            "/dashboard/nothing/here",
            f"/dashboard/jobs?cursor={NAMES[0]}",
            *self.results,
        ]


def poisoned(runtime: Runtime) -> Poisoned:
    """One of everything, every text of it harmful."""
    seed_set_id = _seeds(runtime)
    teacher_id = _teachers(runtime)
    exam = _exam(runtime)
    details = JobDetails(
        seed_set_id,
        teacher_id,
        5,
        name=NAMES[2],
        cap_micro_usd=5_000_000,
        filters={"blacklisted_phrase": {"phrases": list(PAYLOADS)}},
        prompts={"propose": "\n".join(["{{tasks}} {{next}}", *UNBRACED])},
        decontamination={"evaluation_set_ids": [str(exam)]},
    )
    job = jobs.submit(runtime, details)
    for name in NAMES:
        jobs.submit(runtime, JobDetails(seed_set_id, teacher_id, 5, name=name))
    with runtime.database.transaction() as connection:
        kept, dropped = _rows(connection, job)
        export_id = _export(connection, job)
    documents, review = _documents(runtime), _review(runtime, job)
    results = results_of(runtime, job, teacher_id, NAMES)
    return Poisoned(
        job, seed_set_id, teacher_id, kept, dropped, export_id, documents, review, exam, results
    )


def _exam(runtime: Runtime) -> UUID:
    lines = b"".join(orjson.dumps({"instruction": each}) + b"\n" for each in PAYLOADS)
    details = EvaluationSetDetails(name=NAMES[0], licence=NAMES[1], source=NAMES[3])
    return evaluation_sets.add(runtime, details, [lines]).evaluation_set.id


def _review(runtime: Runtime, job: Job) -> UUID:
    """A review whose first row was edited into other harmful texts; the second waits."""
    details = ReviewDetails(job.id, 5, name=NAMES[0], reviewer=NAMES[1])
    review_id = reviews.start(runtime, details).review.id
    row = reviews.row_at(runtime, review_id, 0).row
    whole = "\n".join(PAYLOADS)
    given = Given("edit", ["wrong_output"], whole[:2000], NAMES[3], whole, whole, f"{whole}!")
    reviews.decide(runtime, review_id, row.id, given)
    return review_id


def _documents(runtime: Runtime) -> UUID:
    texts = "\n\n".join(each for each in PAYLOADS if each.isprintable())
    details = DocumentDetails(NAMES[0], DocumentKind.MARKDOWN, 200)
    read = document_sets.read_document(details, [texts.encode()])
    told = SeedSetDetails(name=NAMES[0], licence=NAMES[1], source=NAMES[3])
    return document_sets.add_all(runtime, told, [read])[0].id


def _seeds(runtime: Runtime) -> UUID:
    def line(text: str) -> dict[str, object]:
        return {"instruction": text, "name": text, "instances": [{"input": text, "output": text}]}

    lines = b"".join(orjson.dumps(line(text)) + b"\n" for text in PAYLOADS)
    details = SeedSetDetails(name=NAMES[0], licence=NAMES[1], source=NAMES[3])
    return seed_sets.add(runtime, details, [lines]).seed_set.id


def _teachers(runtime: Runtime) -> UUID:
    found: list[UUID] = []
    for at, name in enumerate(NAMES):
        details = TeacherDetails(
            name=name,
            base_url="http://127.0.0.1:9/v1",
            model=NAMES[at - 1],
            input_micro_usd_per_million=0,
            output_micro_usd_per_million=0,
            terms="\n".join(PAYLOADS),
            extra_body={"text": list(PAYLOADS)},
        )
        found.append(teachers.add(runtime, details).id)
    return found[0]


def _rows(connection: sa.Connection, job: Job) -> tuple[UUID, UUID]:
    conversation_id = stored_conversation(connection, job)
    call_id = stored_slots(connection, job, conversation_id)
    whole = "\n".join(PAYLOADS)
    prompt = {"text": whole, "system": whole, "version": whole, "step": "propose"}
    connection.execute(
        sa.text("UPDATE slots SET prompt = :prompt, detail = :text WHERE job_id = :job"),
        {"prompt": orjson.dumps(prompt).decode(), "text": PAYLOADS[3], "job": job.id},
    )
    slots.change(connection, [{"id": call_id, "state": SlotState.DONE}])
    failed = {**completion(job, call_id), "attempt": 2, "outcome": "refused", "error": PAYLOADS[0]}
    paid.insert_completions(connection, [{**failed, "raw": whole.encode()}])
    sources = [{"kind": "seed", "id": str(new_id())}]
    connection.execute(
        sa.text("UPDATE conversations SET sources = :sources WHERE job_id = :job"),
        {"sources": orjson.dumps(sources).decode(), "job": job.id},
    )
    ids: list[UUID] = []
    for at, text in enumerate(PAYLOADS):
        ids += _row(connection, job, conversation_id, call_id, at, text)
    tally = Tally({("slot", "done"): 1, ("slot", "failed"): 1, ("error", "refused"): 1})
    tally.update({("drop", "<img src=x onerror=alert(1)>"): 3, ("row", "accepted"): len(PAYLOADS)})
    counts.add(connection, job.id, tally)
    return ids[0], ids[1]


def _row(
    connection: sa.Connection, job: Job, conversation: UUID, call: UUID, at: int, text: str
) -> list[UUID]:
    """A kept row, a dropped one, and a dropped candidate, each with the text everywhere."""
    made: list[UUID] = []
    for number, state in enumerate(RowState):
        candidate = {
            "id": new_id(),
            "job_id": job.id,
            "pool_id": job.pool_id,
            "conversation_id": conversation,
            "slot_id": call,
            "number": 0,
            "position": 2 * at + number,
            "instruction": text,
            "state": CandidateState.NOVEL if number == 0 else CandidateState.DUPLICATE,
            "reasons": [] if number == 0 else [text],
            "pool_seq": 2 * at + number + 1,
            "nearest_score": 0.9,
        }
        row = {
            "id": new_id(),
            "job_id": job.id,
            "candidate_id": candidate["id"],
            "slot_id": call,
            "pool_seq": 2 * at + number + 1,
            "position": 0,
            "instruction": text,
            "input": text,
            "output": text,
            "is_classification": None,
            "facts": {text: text},
            "state": state,
            "reasons": [] if number == 0 else [text],
            "verdict": text,
            "simulated": True,
        }
        candidates.insert(connection, [candidate])
        rows.insert(connection, [row])
        made.append(UUID(str(row["id"])))
    return made


def _export(connection: sa.Connection, job: Job) -> UUID:
    export_id = new_id()
    values = {"id": export_id, "job_id": job.id, "format": "alpaca", "options": {}}
    exports.insert(connection, {**values, "state": ExportState.QUEUED})
    ending = {"state": ExportState.FAILED, "error": PAYLOADS[0], "error_code": PAYLOADS[3]}
    exports.finish(connection, export_id, ending)
    return export_id
