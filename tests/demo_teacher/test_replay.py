"""The replay script: by prompt, by instruction, in file order, and what comes after the last."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.demo_teacher.replay import ReplayFileError, read_replies
from tests.demo_teacher.talking import chat, complete, text_of
from tests.demo_teacher_process import DemoTeacherDied, RunningTeacher, start_demo_teacher

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "recorded"
STEP = "X-Cultivar-Step"


def write_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def start(path: Path, step: str = "propose", **options: Any) -> RunningTeacher:
    return start_demo_teacher(script="replay", replay={step: path}, latency_s=0, **options)


def propose(teacher: RunningTeacher, prompt: str) -> Any:
    return complete(teacher, prompt, headers={STEP: "propose"})


def test_equal_prompts_first_then_file_order(tmp_path: Path) -> None:
    lines = [
        {"reply": "first"},
        {"prompt": "known", "reply": "for the known", "finish_reason": "length"},
        {"reply": "second"},
    ]
    with start(write_lines(tmp_path / "p.jsonl", lines)) as teacher:
        known = propose(teacher, "known")
        assert text_of(known) == "for the known"
        assert known.json()["choices"][0]["finish_reason"] == "length"
        assert text_of(propose(teacher, "new")) == "first"
        assert text_of(propose(teacher, "newer")) == "second"
        assert text_of(propose(teacher, "new")) == "first"
        used_up = propose(teacher, "newest")
        assert used_up.status_code == 400
        assert used_up.json()["error"]["code"] == "replay_exhausted"
        assert "used up" in used_up.json()["error"]["message"]
        assert text_of(propose(teacher, "newer")) == "second"
        teacher.reset()
        assert text_of(propose(teacher, "newest")) == "first"


def test_wrapping_starts_over(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl", [{"reply": "a"}, {"reply": "b"}])
    with start(path, replay_wrap=True) as teacher:
        assert [text_of(propose(teacher, f"{n}")) for n in range(5)] == ["a", "b", "a", "b", "a"]


def test_by_the_instruction_in_the_last_task(tmp_path: Path) -> None:
    lines = [
        {"instruction": "Sing a song.", "reply": " No"},
        {"instruction": "Judge the letter.", "reply": " Yes"},
        {"instruction": "Judge the letter.\n\nOutput: a mark.", "reply": " Maybe"},
    ]
    few_shot = "Task: Sing a song.\nIs it classification? No\n\n"
    with start(write_lines(tmp_path / "c.jsonl", lines), "classify") as teacher:
        question = f"{few_shot}Task: Judge  the letter.\nIs it classification?"
        assert text_of(complete(teacher, question)) == " Yes"
        assert text_of(chat(teacher, f"{question} ")) == " Yes"
        longer = f"{few_shot}Task: {lines[2]['instruction']}\nIs it classification?"
        assert text_of(complete(teacher, longer)) == " Maybe"


def test_a_null_reply_is_null_and_other_steps_use_the_grammar(tmp_path: Path) -> None:
    with start(write_lines(tmp_path / "p.jsonl", [{"reply": None}])) as teacher:
        assert propose(teacher, "x").json()["choices"][0]["text"] is None
        assert text_of(complete(teacher, "Task: Sing.\nIs it classification?")) == " No"


def test_each_reply_is_used_once_by_concurrent_callers(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl", [{"reply": f"r{n}"} for n in range(100)])
    with start(path) as teacher, ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda n: text_of(propose(teacher, f"{n}")), range(100)))
        assert sorted(texts) == sorted(f"r{n}" for n in range(100))


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("{", ":1:"),
        ('{"reply": "x"}\n[]\n', ":2:"),
        ('{"prompt": "x"}\n', "reply"),
        ('{"reply": 7}\n', "reply is not a text"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: str, where: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(ReplayFileError, match=r"bad\.jsonl") as raised:
        read_replies(path)
    assert where in str(raised.value)


def test_a_missing_file_ends_the_process(tmp_path: Path) -> None:
    with pytest.raises(DemoTeacherDied, match="status 1"):
        start(tmp_path / "none.jsonl")


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded runs beside the repository")
@pytest.mark.parametrize("run", ["maulik1", "maulik2", "ez_llama", "ez_gpt"])
def test_recorded_runs_are_given_back_whole(run: str) -> None:
    path = RECORDED / run / "instruction_replies.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    with start(path) as teacher:
        for line in lines:
            choice = complete(teacher, line["prompt"]).json()["choices"][0]
            assert (choice["text"], choice["finish_reason"]) == (
                line["reply"],
                line["finish_reason"],
            )
        teacher.reset()
        texts = [text_of(complete(teacher, f"Tasks {n}:\n9.")) for n in range(len(lines))]
        assert texts == [line["reply"] for line in lines]


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded runs beside the repository")
def test_recorded_later_steps_are_found_by_instruction() -> None:
    folder = RECORDED / "maulik2"
    files = {
        "classify": folder / "classification_replies.jsonl",
        "answer": folder / "instance_replies.jsonl",
    }
    with start_demo_teacher(script="replay", replay=files, latency_s=0) as teacher:
        for step, path in files.items():
            for line in reversed([json.loads(text) for text in path.read_text().splitlines()]):
                prompt = f"Task: Wash the car.\nOutput: Done.\n\nTask: {line['instruction']}\n"
                reply = complete(teacher, prompt, headers={STEP: step})
                assert text_of(reply) == line["reply"]
