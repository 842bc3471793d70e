"""What a new user can begin with: the sample seeds, the demo teacher, and a job of both."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.domain.stored import Job, SeedSet, TeacherRecord
from app.errors import NotFound
from app.llm.teacher import Endpoint
from app.runtime import Runtime
from app.use_cases import jobs, seed_sets, teachers
from app.use_cases.jobs import JobDetails
from app.use_cases.seed_sets import AddedSeedSet, SeedSetDetails
from app.use_cases.teachers import TeacherDetails

SAMPLE_SEEDS = Path(__file__).parents[2] / "seeds" / "general_en.jsonl"
SAMPLE_SET = SeedSetDetails(
    name="general tasks", language="en", licence="CC0-1.0", source="written for this project"
)
SAMPLE_ROWS = 200
DEMO_TEACHER = "demo teacher"
DEMO_MODEL = "demo-grammar"
# Prices of nothing real, so that a demonstration shows what a cost looks like.
DEMO_INPUT_MICRO_USD_PER_MILLION = 150_000
DEMO_OUTPUT_MICRO_USD_PER_MILLION = 600_000
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """How far a new user is: the newest seed set and teacher, and whether there are samples."""

    seed_set: SeedSet | None
    teacher: TeacherRecord | None
    has_demo: bool


def first_steps(runtime: Runtime) -> FirstSteps:
    """What of a first job is there already."""
    sets = seed_sets.page(runtime, limit=1).items
    found = teachers.page(runtime, limit=50).items
    writers = [each for each in found if each.endpoint in (Endpoint.CHAT, Endpoint.COMPLETIONS)]
    return FirstSteps(
        seed_set=sets[0] if sets else None,
        teacher=writers[0] if writers else None,
        has_demo=runtime.settings.demo_teacher_url is not None,
    )


def add_sample_seeds(runtime: Runtime) -> AddedSeedSet:
    """Store the seeds that come with the service; raises NotFound where they are not installed."""
    if not SAMPLE_SEEDS.exists():
        raise NotFound("The sample seeds are not installed here; upload a file of your own.")
    return seed_sets.add(runtime, SAMPLE_SET, _chunks(SAMPLE_SEEDS))


def add_demo_teacher(runtime: Runtime) -> TeacherRecord:
    """Register the demo teacher of this service; raises NotFound where none runs."""
    if runtime.settings.demo_teacher_url is None:
        raise NotFound("No demo teacher runs with this service; add a teacher of your own.")
    return ensure_teacher(runtime, demo_teacher(runtime.settings.demo_teacher_url))


def submit_sample_job(runtime: Runtime) -> Job:
    """A small job of the sample seeds and the demo teacher; what is missing is added first."""
    teacher = add_demo_teacher(runtime)
    seed_set = add_sample_seeds(runtime).seed_set
    details = JobDetails(seed_set.id, teacher.id, SAMPLE_ROWS, name="first job")
    return jobs.submit(runtime, details)


def ensure_teacher(runtime: Runtime, details: TeacherDetails) -> TeacherRecord:
    """The teacher of that name with these details, registered or brought up to date."""
    found = teachers.by_name(runtime, details.name)
    if found is None:
        return teachers.add(runtime, details)
    changes = {name: getattr(details, name) for name in TeacherDetails.__slots__}
    return teachers.change(runtime, found.id, changes)


def demo_teacher(base_url: str) -> TeacherDetails:
    """The scripted teacher of a running service; its port may differ from run to run."""
    return TeacherDetails(
        name=DEMO_TEACHER,
        base_url=base_url,
        model=DEMO_MODEL,
        input_micro_usd_per_million=DEMO_INPUT_MICRO_USD_PER_MILLION,
        output_micro_usd_per_million=DEMO_OUTPUT_MICRO_USD_PER_MILLION,
        terms="made up by a script; simulated",
        simulated=True,
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
