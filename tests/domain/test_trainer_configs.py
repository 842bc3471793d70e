"""Descriptions for other trainers, held to the rules that their documentation gives."""

import pytest

from app.domain.format import TrainerShape
from app.domain.formats import FORMATS
from app.domain.trainer_configs import axolotl_config, llama_factory_info
from tests.domain.formats.published import DIALOGUE, FULL

FILES = {"train": ["train/part-00000.jsonl"], "validation": ["validation/part-00000.jsonl"]}
SHAPED = [name for name, kind in FORMATS.items() if kind().shape() is not None]


def lines_of(name: str) -> list[dict[str, object]]:
    chosen = FORMATS[name]()
    return [dict(chosen.line(row)) for row in (FULL, DIALOGUE) if chosen.unfit(row) is None]


def shape_of(name: str) -> TrainerShape:
    shape = FORMATS[name]().shape()
    assert shape is not None
    return shape


@pytest.mark.parametrize("name", [each for each in SHAPED if each != "regen"])
def test_llama_factory_finds_what_it_is_told_of(name: str) -> None:
    info = llama_factory_info(shape_of(name), "set", FILES)
    assert info is not None
    assert list(info) == ["set_train", "set_validation"]
    entry = info["set_train"]
    assert isinstance(entry, dict)
    assert entry["file_name"] == "train"
    for line in lines_of(name):
        assert set(entry["columns"].values()) <= line.keys()
        if entry["formatting"] == "alpaca":
            assert isinstance(line[entry["columns"]["response"]], str)
            continue
        tags = entry["tags"]
        said = line[entry["columns"]["messages"]]
        assert isinstance(said, list)
        # The person speaks at odd places, the assistant at even ones (data/README.md).
        roles = [message[tags["role_tag"]] for message in said]
        assert roles == [tags["user_tag"], tags["assistant_tag"]] * (len(said) // 2)
        assert all(isinstance(message[tags["content_tag"]], str) for message in said)


@pytest.mark.parametrize("name", [each for each in SHAPED if each != "regen"])
def test_axolotl_finds_what_it_is_told_of(name: str) -> None:
    config = axolotl_config(shape_of(name), FILES)
    assert list(config) == ["datasets", "test_datasets"]
    [entry] = config["datasets"]  # pyright: ignore[reportGeneralTypeIssues]
    assert (entry["path"], entry["ds_type"]) == ("train/part-00000.jsonl", "json")
    for line in lines_of(name):
        if entry["type"] == "alpaca":
            assert {"instruction", "input", "output"} <= line.keys()
        elif entry["type"] == "chat_template":
            named = entry["message_property_mappings"]
            said = line[entry["field_messages"]]
            assert isinstance(said, list)
            assert all(named["role"] in each and named["content"] in each for each in said)
        else:
            asked, answered = entry["type"]["field_instruction"], entry["type"]["field_output"]
            assert {asked, answered} <= line.keys()


def test_without_a_validation_split_axolotl_sets_nothing_apart() -> None:
    config = axolotl_config(TrainerShape.ALPACA, {"train": ["train/part-00000.parquet"]})
    assert config == {
        "datasets": [{"path": "train/part-00000.parquet", "ds_type": "parquet", "type": "alpaca"}],
        "val_set_size": 0,
    }


def test_llama_factory_cannot_read_compressed_lines() -> None:
    files = {"train": ["train/part-00000.jsonl.gz"]}
    assert llama_factory_info(TrainerShape.ALPACA, "set", files) is None
