"""Files of rows as the trainer's folder: every layout, every fault, and what goes along."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from app.domain.handoff import Layout, read_manifest, read_row
from app.errors import InvalidInput, InvalidUpload
from app.use_cases.handoff import Wishes, hand_over

SETTINGS = {"base_model": "/models/rose"}
ALL_TRAIN = Wishes(held_out=0.0)


def source_of(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def handed(tmp_path: Path, *rows: object, wishes: Wishes = ALL_TRAIN) -> list[dict[str, Any]]:
    folder = tmp_path / "run"
    manifest = hand_over(source_of(tmp_path, *rows), folder, SETTINGS, wishes)
    data = (folder / "data.jsonl").read_bytes()
    assert manifest.sha256 == hashlib.sha256(data).hexdigest()
    assert read_manifest(json.loads((folder / "manifest.json").read_text())) == manifest
    assert json.loads((folder / "config.json").read_text()) == SETTINGS
    found = [json.loads(line) for line in data.splitlines()]
    assert [read_row(row, manifest.layout).id for row in found]
    assert len(found) == manifest.rows
    return found


def test_whole_prompts_go_through_as_they_are(tmp_path: Path) -> None:
    row = {"prompt": "a ", "completion": " b", "id": 7, "split": "held_out"}
    assert handed(tmp_path, row) == [{**row, "id": "7"}]


def test_instructions_become_prompts_in_blocks(tmp_path: Path) -> None:
    (row,) = handed(tmp_path, {"instruction": "Sort.", "input": "b a", "output": "a b"})
    assert row["prompt"].endswith("### Instruction:\nSort.\n\n### Input:\nb a\n\n### Response:")
    assert row["completion"] == "a b"
    assert row["id"] == "1"


def test_a_dialogue_gives_a_row_for_each_answer(tmp_path: Path) -> None:
    said = [("human", "a"), ("gpt", "b"), ("human", "c"), ("gpt", "d")]
    turns = [{"from": who, "value": what} for who, what in said]
    first, second = handed(tmp_path, {"id": "x", "conversations": turns})
    assert first["prompt"] == [{"role": "user", "content": "a"}]
    assert first["completion"] == [{"role": "assistant", "content": "b"}]
    assert [each["content"] for each in second["prompt"]] == ["a", "b", "c"]
    assert second["completion"] == [{"role": "assistant", "content": "d"}]
    assert (first["id"], second["id"]) == ("x", "x#2")


def test_messages_keep_their_system_message(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    (row,) = handed(tmp_path, {"messages": turns})
    assert [row["prompt"], row["completion"]] == [turns[:2], turns[2:]]


def test_equal_prompts_are_held_out_together(tmp_path: Path) -> None:
    rows = [{"prompt": f"task {n % 50}", "completion": str(n)} for n in range(200)]
    found = handed(tmp_path, *rows, wishes=Wishes(held_out=0.3))
    by_prompt: dict[str, set[str]] = {}
    for row in found:
        by_prompt.setdefault(row["prompt"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in by_prompt.values())
    held = sum(splits == {"held_out"} for splits in by_prompt.values())
    assert 5 <= held <= 25, "about 15 of 50"


def test_the_exports_own_manifest_goes_along(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"prompt": "a", "completion": "b"})
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    said = {"simulated": True, "seed_set": {"licence": "CC0-1.0"}, "sha256": digest}
    (tmp_path / "rows.jsonl.manifest.json").write_text(json.dumps(said))
    manifest = hand_over(source, tmp_path / "run", SETTINGS)
    assert manifest.simulated
    assert manifest.licence == "seeds: CC0-1.0"
    assert manifest.source["export"] == said
    assert hand_over(source, tmp_path / "b", SETTINGS, Wishes(licence="MIT")).licence == "MIT"
    source.write_text(source.read_text() * 2)
    with pytest.raises(InvalidInput, match="the sha256 differs"):
        hand_over(source, tmp_path / "c", SETTINGS)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"prompt": "a"}, "missing_field"),
        ({"instruction": "a", "output": 3}, "wrong_type"),
        ({"messages": [{"role": "user", "content": "a"}]}, "missing_field"),
        ({"messages": []}, "wrong_type"),
        ({"prompt": "a", "completion": "b", "split": "test"}, "wrong_type"),
        ({"messages": [{"role": "assistant"}]}, "missing_field"),
        ({"prompt": [{"role": "user", "content": "a"}], "completion": "b"}, "wrong_type"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: object, code: str) -> None:
    good = {"prompt": "a", "completion": "b"}
    with pytest.raises(InvalidUpload) as raised:
        hand_over(source_of(tmp_path, good, row), tmp_path / "run", SETTINGS)
    assert [(each.line, each.code) for each in raised.value.report.errors] == [(2, code)]
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_one_file_has_one_layout(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    source = source_of(tmp_path, {"prompt": "a", "completion": "b"}, {"messages": turns})
    with pytest.raises(InvalidUpload) as raised:
        hand_over(source, tmp_path / "run", SETTINGS)
    assert raised.value.report.errors[0].code == "mixed_layouts"


def test_a_folder_in_use_and_a_file_of_nothing_are_refused(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"prompt": "a", "completion": "b"})
    with pytest.raises(InvalidInput, match="is not empty"):
        hand_over(source, tmp_path, SETTINGS)
    source.write_text("")
    with pytest.raises(InvalidInput, match="no rows"):
        hand_over(source, tmp_path / "run", SETTINGS)


def test_the_layout_is_told(tmp_path: Path) -> None:
    handed(tmp_path, {"prompt": "a", "completion": "b"})
    said = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert said["layout"] == Layout.TEXT


def seeds_of(tmp_path: Path, *seeds: object) -> Path:
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in seeds))
    return path


SEED = {
    "instruction": "Name a bird.",
    "instances": [{"input": "", "output": "wren"}, {"input": "large", "output": "stork"}],
    "is_classification": True,
}


def test_seeds_of_people_are_measured_by_and_not_learnt(tmp_path: Path) -> None:
    wishes = Wishes(held_out=0.0, seeds=seeds_of(tmp_path, SEED))
    row, first, second = handed(tmp_path, {"instruction": "Sort.", "output": "a"}, wishes=wishes)
    assert (row["split"], first["split"], second["split"]) == ("train", "seeds", "seeds")
    assert first["prompt"].endswith("### Instruction:\nName a bird.\n\n### Response:")
    assert (first["id"], second["id"]) == ("seed-1", "seed-1#2")
    assert "### Input:\nlarge" in second["prompt"]
    assert first["is_classification"]
    assert "is_classification" not in row


def test_seeds_take_the_layout_of_the_rows(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    wishes = Wishes(held_out=0.0, seeds=seeds_of(tmp_path, SEED))
    _, first, second = handed(tmp_path, {"messages": said}, wishes=wishes)
    assert first["prompt"] == [{"role": "user", "content": "Name a bird."}]
    assert second["prompt"] == [{"role": "user", "content": "Name a bird.\n\nlarge"}]
    assert first["completion"] == [{"role": "assistant", "content": "wren"}]


def test_seeds_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    wishes = Wishes(held_out=0.0, seeds=seeds_of(tmp_path, {"instruction": "a", "instances": [1]}))
    with pytest.raises(InvalidUpload) as raised:
        handed(tmp_path, {"instruction": "Sort.", "output": "a"}, wishes=wishes)
    assert raised.value.report.error_count == 1
