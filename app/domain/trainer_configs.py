"""What other trainers want to be told of a dataset: LLaMA-Factory's and axolotl's descriptions.

https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md and
https://docs.axolotl.ai/docs/dataset_loading.html.
"""

from collections.abc import Mapping, Sequence

from app.domain.format import TrainerShape

# By the last part of a file's name, as LLaMA-Factory tells what it can read.
_LLAMA_FACTORY_READS = ("json", "jsonl", "parquet")

_LLAMA_FACTORY: Mapping[TrainerShape, Mapping[str, object]] = {
    TrainerShape.ALPACA: {
        "formatting": "alpaca",
        "columns": {"prompt": "instruction", "query": "input", "response": "output"},
    },
    TrainerShape.SHAREGPT: {
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
        },
    },
    TrainerShape.MESSAGES: {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    },
    TrainerShape.PROMPT_COMPLETION: {
        "formatting": "alpaca",
        "columns": {"prompt": "prompt", "response": "completion"},
    },
}

_AXOLOTL: Mapping[TrainerShape, Mapping[str, object]] = {
    TrainerShape.ALPACA: {"type": "alpaca"},
    TrainerShape.SHAREGPT: {
        "type": "chat_template",
        "field_messages": "conversations",
        "message_property_mappings": {"role": "from", "content": "value"},
    },
    TrainerShape.MESSAGES: {
        "type": "chat_template",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
    },
    TrainerShape.PROMPT_COMPLETION: {
        "type": {
            "system_prompt": "",
            "field_instruction": "prompt",
            "field_output": "completion",
            "format": "{instruction}",
            "no_input_format": "{instruction}",
        }
    },
}


def llama_factory_info(
    shape: TrainerShape, name: str, files: Mapping[str, Sequence[str]]
) -> Mapping[str, object] | None:
    """`dataset_info.json` for the files of each split, each split in a folder of its own name.

    The dataset of a split is called `<name>_<split>`. None where LLaMA-Factory cannot read them.
    """
    endings = {path.rpartition(".")[2] for paths in files.values() for path in paths}
    if not endings.issubset(_LLAMA_FACTORY_READS):
        return None
    return {f"{name}_{split}": {"file_name": split, **_LLAMA_FACTORY[shape]} for split in files}


def axolotl_config(shape: TrainerShape, files: Mapping[str, Sequence[str]]) -> Mapping[str, object]:
    """The part of an axolotl configuration that names the data; paths are those of the bundle.

    The split `validation` is what it evaluates on; without one it is told to set nothing apart.
    """
    train = [_axolotl_entry(shape, path) for path in files.get("train", ())]
    validation = [_axolotl_entry(shape, path) for path in files.get("validation", ())]
    if not validation:
        return {"datasets": train, "val_set_size": 0}
    tested = [{**each, "split": "train"} for each in validation]
    return {"datasets": train, "test_datasets": tested}


def _axolotl_entry(shape: TrainerShape, path: str) -> Mapping[str, object]:
    kind = "parquet" if path.endswith(".parquet") else "json"
    return {"path": path, "ds_type": kind, **_AXOLOTL[shape]}
