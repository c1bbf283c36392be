"""What is written is read again as the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.bundle.writing import written
from compose.parse import parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
LINES = st.lists(st.text(" #:-'\"|>\tab\x85\u2028é", max_size=8)).map("\n".join)
KEYS = TEXTS.filter(bool)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXTS | LINES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4))
def test_every_tree_is_read_again_as_it_was(tree: dict[str, Any]) -> None:
    found = parse(written(tree))
    assert found == tree
    assert list(found) == list(tree)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "010",
        "0x1",
        "1.5",
        "1e3",
        "1_000",
        ".5",
        "true",
        "True",
        "no",
        "yes",
        "on",
        "off",
        "null",
        "~",
        "<<",
        "",
        "=",
        "-",
        "22:22",
        "2024-01-02",
        "!x",
        "&x",
        "*x",
        "%x",
        "@x",
        "#x",
        "-1",
        "+1",
        "0b1",
        "0o7",
        ".inf",
        ".nan",
        "y",
        "n",
    ],
)
def test_a_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    found = parse(written({"a": text, "b": [text], text or "c": 1}))
    assert (found["a"], found["b"]) == (text, [text])


def test_numbers_and_truths_stay_what_they_are() -> None:
    tree = {"a": 1, "b": 1.5, "c": True, "d": None, "e": -3, "f": 1e21, "g": 0.0000001}
    assert parse(written(tree)) == tree
    assert [type(one) for one in parse(written(tree)).values()] == [*map(type, tree.values())]


def test_lines_of_a_file_stay_lines_for_people() -> None:
    assert written({"a": "b: c\n  d\n"}) == "a: |\n  b: c\n    d\n"
