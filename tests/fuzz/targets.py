"""What reads bytes of strangers, each as a function of bytes that raises for an accident only."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from app.dashboard.multipart import boundary_of, read_parts
from app.db.paging import decode_cursor
from app.domain.extraction.encoding import decoded
from app.domain.extraction.html import html_text
from app.domain.extraction.markdown import markdown_text
from app.domain.labelled import Columns
from app.domain.language import Language
from app.domain.parsing import (
    choice,
    dialogue,
    equality,
    grounding,
    instances,
    instruction_list,
    questions,
    triples,
    verdict,
)
from app.domain.prompts.own_texts import text_problems
from app.errors import CultivarError
from app.files.seed_upload import SeedReader
from app.files.upload_limits import UploadLimits
from app.llm.batch_lines import read_result_line
from app.llm.embeddings import read_embeddings
from app.llm.outcomes import error_text, outcome_of
from app.llm.redaction import Redactor
from app.llm.replies import read_reply
from app.llm.teacher import Endpoint
from app.llm.waits import retry_after_s
from app.use_cases.labelled_rows import labelled_rows
from app.use_cases.template_checks import read_templates
from tests.domain.template_text import FILE
from tests.llm.scripted_teacher import completion

Target = Callable[[bytes], None]
LIMITS = UploadLimits(max_bytes=1 << 20, max_lines=1_000, max_line_bytes=1 << 16)
ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".gz")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEADERS = ("retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset")
REPLY_READERS: Sequence[Callable[[str], object]] = (
    instances.published_pairs,
    instances.published_labels,
    *(
        lambda text, each=each, language=language: each(text, language)
        for each in (instances.tolerant_pairs, instances.tolerant_labels, instances.has_labels)
        for language in Language
    ),
    instruction_list.published_items,
    instruction_list.tolerant_items,
    dialogue.published_turns,
    dialogue.tolerant_turns,
    dialogue.one_turn,
    questions.question_pairs,
    lambda text: triples.published_triples(text, 3),
    lambda text: triples.tolerant_triples(text, 3, "Task"),
    verdict.published_verdict,
    verdict.tolerant_verdict,
    equality.says_equal,
    lambda text: choice.chosen_number(text, 5),
    grounding.says_nothing,
    grounding.speaks_of_passage,
    grounding.unlabelled,
    grounding.bears_out,
)


def seeds(data: bytes) -> None:
    """An uploaded file of seeds, in pieces."""
    for on_error in ("reject", "skip"):
        reader = SeedReader(limits=LIMITS, on_error=on_error)
        with suppress(CultivarError):
            for at in range(0, len(data), 97):
                reader.feed(data[at : at + 97])
            reader.finish()


def labelled(data: bytes) -> None:
    """Labelled rows; the first byte says what the file is called."""
    ending = ENDINGS[data[0] % len(ENDINGS)] if data else ".jsonl"
    with tempfile.NamedTemporaryFile(suffix=ending) as file:
        file.write(data[1:])
        file.flush()
        with suppress(CultivarError), labelled_rows(Path(file.name), Columns(), None, LIMITS) as it:
            _read(it)
            it.done()


def templates(data: bytes) -> None:
    """A file of templates."""
    with suppress(CultivarError):
        read_templates(data, "fuzz")


def own_prompts(data: bytes) -> None:
    """A user's own prompt text."""
    _read(text_problems("self_instruct", {"propose": data.decode("utf-8", "replace")}))


def reply(data: bytes) -> None:
    """A teacher's body, and its text through every reader of replies."""
    for endpoint in (Endpoint.CHAT, Endpoint.COMPLETIONS):
        read_reply(endpoint, data)
        outcome_of(200, data, endpoint)
    read_embeddings(data, 2)
    read_result_line(data)
    Redactor(None).error(error_text(500, data))


def reply_text(data: bytes) -> None:
    """What a teacher wrote, through every reader of texts."""
    text = data.decode("utf-8", "replace")
    for read in REPLY_READERS:
        found = read(text)
        if isinstance(found, Iterator):
            _read(found)


def form(data: bytes) -> None:
    """A form with files; its boundary is what comes before the first line end."""
    head, _, body = data.partition(b"\n")
    with suppress(CultivarError):
        boundary = boundary_of(f"multipart/form-data; boundary={head.decode('latin-1')}")
        for part in read_parts((body[at : at + 31] for at in range(0, len(body), 31)), boundary):
            _read(part.data)


def document(data: bytes) -> None:
    """A page or a text, as the child reads it."""
    with suppress(CultivarError):
        html_text(decoded(data, may_declare=True))
    with suppress(CultivarError):
        markdown_text(decoded(data))


def headers(data: bytes) -> None:
    """Headers of a teacher, and a cursor of a caller."""
    text = data.decode("latin-1")
    for name in HEADERS:
        found = retry_after_s({name: text}, NOW)
        assert found is None or 0.0 < found <= 600.0
    with suppress(CultivarError):
        decode_cursor("jobs", text, 1)


def _read(things: Iterable[object]) -> None:
    for _ in things:
        pass


TARGETS: Mapping[str, tuple[Target, Sequence[bytes]]] = {
    "seeds": (
        seeds,
        (
            b'{"instruction": "Name a river.", "instances": [{"input": "", "output": "Po"}]}\n',
            b'\xef\xbb\xbf{"instruction": "a", "input": null, "output": 1e999}\r\n[]\n',
            b'[{"instruction": "\\ud800\\u0000"}]',
        ),
    ),
    "labelled": (
        labelled,
        (
            b'\x00{"a": 1, "b": [true, null]}\n{"a": "x"}\n',
            b'\x01[{"a": 1}, {"a": {"b": 2}}]',
            b'\x02a,b\n1,"x ""y"" z"\n2;3\n',
            b"\x03a\tb\n1\t2\n",
            b"\x04PAR1\x15\x04\x15\x10PAR1",
            b"\x05\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabVJT\xb2R0\xac\xe5\x02\x00",
        ),
    ),
    "templates": (
        templates,
        (
            FILE.encode(),
            b"a: &a [*a]\n",
            b"dataset: d\ntemplates:\n  x: &x !Template\n    jinja: 'a ||| b'\n    name: *x\n",
            b"a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
        ),
    ),
    "own_prompts": (own_prompts, (b"{{tasks}} and {{next}} {{", b"{{tasks.__class__}}")),
    "reply": (
        reply,
        (
            completion("1. One\n2. Two"),
            b'{"choices": [{"message": {"content": null}, "finish_reason": 7}], "usage": []}',
            b'{"data": [{"index": 1, "embedding": [0.1, 1e400]}, {"embedding": "AAAA"}]}',
            b'{"error": {"message": "no", "code": {"a": []}}}',
            b'{"custom_id": "x", "response": {"status_code": 200, "body": {"choices": []}}}',
        ),
    ),
    "reply_text": (
        reply_text,
        (
            b"1. Instruction: Name it.\n1. Input:\n<noinput>\n1. Output:\nIt.\n###\n2. ",
            b"Input: a\nOutput: b\n\nExample 2\nClass label: yes\nInput: x",
            "1. 指令\uff1a写一首诗。\n输入\uff1a<无输入>\n输出\uff1a好。".encode(),
            b"[|Human|] Hi\n[|AI|] Hello <think>no</think> ```json\n{}\n```",
            b"Q: Why?\nA: **Because.** Not equal. Equal. Yes",
        ),
    ),
    "form": (
        form,
        (
            b'x\n--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--',
            b'"q\n--q\r\n\r\n\r\n',
        ),
    ),
    "document": (
        document,
        (
            b"<meta charset=gb18030><h1>T</h1><p>a &eacute; <![CDATA[x]]><script>y</script>",
            b"# H\n\n```\ncode\n```\n[a](b) *c* <b>\n",
            b"\xff\xfea\x00",
        ),
    ),
    "headers": (
        headers,
        (b"3", b"Sun, 01 Mar 2026 12:00:30 GMT", b"6m0s", b"-1", b"WyJqb2JzIiwgIngiXQ"),
    ),
}
