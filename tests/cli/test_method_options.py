"""Options given as `name=value` are read by the kind of each option."""

import pytest

from app.cli.method_options import read_options
from app.errors import InvalidInput
from app.use_cases import methods

FIELDS = methods.get("self_instruct").options


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (["round_size=7"], {"round_size": 7}),
        (["round-size=7"], {"round_size": 7}),
        (["threshold=0.8"], {"threshold": 0.8}),
        (["threshold=1"], {"threshold": 1.0}),
        (["exact_duplicates=no"], {"exact_duplicates": False}),
        (["order=strict"], {"order": "strict"}),
        (["propose_top_p=null"], {"propose_top_p": None}),
        (["blacklist=image", "blacklist=a = b"], {"blacklist": ["image", "a = b"]}),
        (['blacklist=["one", "two"]'], {"blacklist": ["one", "two"]}),
        (["blacklist="], {"blacklist": []}),
        (["propose_stop=\\n\\n"], {"propose_stop": ["\n\n"]}),
    ],
)
def test_values(pairs: list[str], expected: dict[str, object]) -> None:
    assert read_options(pairs, FIELDS) == expected
    assert not methods.option_problems("self_instruct", "default", expected)


@pytest.mark.parametrize(
    "pairs",
    [
        ["round_size=seven"],
        ["exact_duplicates=maybe"],
        ["order=loose"],
        ["rond_size=7"],
        ["threshold=nan"],
    ],
)
def test_what_does_not_fit_is_left_to_the_check(pairs: list[str]) -> None:
    problems = methods.option_problems("self_instruct", "default", read_options(pairs, FIELDS))
    assert len(problems) == 1


@pytest.mark.parametrize("pair", ["round_size", "=7", ""])
def test_words_that_are_no_pairs(pair: str) -> None:
    with pytest.raises(InvalidInput):
        read_options([pair], FIELDS)
