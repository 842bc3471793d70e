"""Columns of labelled rows: their types, and the names of their classes."""

import pytest

from app.domain.labelled import (
    BadValue,
    Columns,
    ColumnType,
    TypeGuess,
    read_columns,
    read_features,
)
from app.errors import InvalidInput

NAMES = Columns(names={"label": ("World", "Sports", "Business")})


def guessed(*values: str) -> ColumnType | None:
    guess = TypeGuess()
    for value in values:
        guess.see({"c": value})
    return guess.types().get("c")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["0", "2", "-1"], ColumnType.INT),
        (["0", "02"], None),
        (["1", ""], None),
        (["1.5", "0.25"], ColumnType.FLOAT),
        (["1.50"], None),
        (["True", "False"], ColumnType.BOOL),
        (["true"], None),
        (["1", "2 kg"], None),
        (["1" * 30], None),
    ],
)
def test_types_are_told_only_where_nothing_is_lost(
    values: list[str], kind: ColumnType | None
) -> None:
    assert guessed(*values) is kind


@pytest.mark.parametrize("value", [1, "1", "Sports"])
def test_numbers_and_names_are_one_class(value: object) -> None:
    row = NAMES.typed({"text": "t", "label": value})
    assert row == {
        "text": "t",
        "label": 1,
        "label_name": "Sports",
        "label_names": ["World", "Sports", "Business"],
    }


@pytest.mark.parametrize("value", [-1, None])
def test_no_class(value: object) -> None:
    row = NAMES.typed({"label": value})
    assert (row["label"], row["label_name"]) == (value, None)


@pytest.mark.parametrize(
    ("value", "code"),
    [(3, "unknown_label"), ("Art", "unknown_label"), (True, "wrong_type"), (1.0, "wrong_type")],
)
def test_values_that_are_no_class(value: object, code: str) -> None:
    with pytest.raises(BadValue) as bad:
        NAMES.typed({"label": value})
    assert (bad.value.problem.pointer, bad.value.problem.code) == ("/label", code)


def test_declared_types() -> None:
    columns = read_columns(["a=int", "b=float", "c=bool", "d=text"], [])
    row = columns.typed({"a": "7", "b": "1", "c": "no", "d": 5, "e": "5"})
    assert row == {"a": 7, "b": 1.0, "c": False, "d": "5", "e": "5"}
    assert columns.typed({"a": "", "b": None}) == {"a": None, "b": None}
    with pytest.raises(BadValue, match="seven is no int"):
        columns.typed({"a": "seven"})


def test_a_column_may_not_be_called_as_the_choices_are() -> None:
    with pytest.raises(BadValue, match="rename the column"):
        Columns().typed({"answer_choices": "x"})


@pytest.mark.parametrize("given", ["label", "=int", "label=", "label=number"])
def test_wrong_descriptions(given: str) -> None:
    with pytest.raises(InvalidInput):
        read_columns([given], [])


def test_every_class_has_a_name_of_its_own() -> None:
    with pytest.raises(InvalidInput):
        read_columns([], ["label=a,b,a"])


def test_features_as_datasets_describes_them() -> None:
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "score": {"dtype": "float32", "_type": "Value"},
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
        "spans": [{"start": {"dtype": "int32", "_type": "Value"}}],
    }
    expected = Columns(
        {"text": ColumnType.TEXT, "score": ColumnType.FLOAT}, {"label": ("neg", "pos")}
    )
    assert read_features(features) == expected
    assert read_features({"features": features, "splits": {}}) == expected
    assert read_features({"default": {"features": features}}) == expected
    with pytest.raises(InvalidInput):
        read_features([1])
