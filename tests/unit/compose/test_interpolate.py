"""Variables in values."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.errors import TemplateError
from compose.interpolate import interpolate
from compose.notes import Notes
from compose.tree import Tree

ENVIRONMENT = {"A": "a", "EMPTY": "", "LONG_name_1": "l", "COST": "$A"}


def replaced(text: str) -> object:
    return interpolate({"k": text}, ENVIRONMENT, Notes())["k"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("$A", "a"),
        ("${A}", "a"),
        ("x$A.y", "xa.y"),
        ("$A$A${A}", "aaa"),
        ("$LONG_name_1", "l"),
        ("$$", "$"),
        ("$$A", "$A"),
        ("$$$A", "$a"),
        ("$${A}", "${A}"),
        ("${A:-d}", "a"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NO:-d}", "d"),
        ("${NO-d}", "d"),
        ("${NO:-}", ""),
        ("${A:?e}", "a"),
        ("${A?e}", "a"),
        ("${EMPTY?e}", ""),
        ("${A:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NO:+x}", ""),
        ("${NO+x}", ""),
        ("${NO:-${A}}", "a"),
        ("${NO:-${NO2:-${A}b}c}d", "abcd"),
        ("${NO:-$A}", "a"),
        ("${NO:-$$A}", "$A"),
        ("${A:+<${A}>}", "<a>"),
        ("${A:-${NO?never asked}}", "a"),
        ("${NO:-http://x:80/?a-b+c}", "http://x:80/?a-b+c"),
        ('${NO:-{"k":1}}', '{"k":1}'),
        ("}{", "}{"),
        ("$COST", "$A"),
        ("$", "$"),
        ("$ A", "$ A"),
        ("https://$1", "https://$1"),
        ("$(A) $$1", "$(A) $1"),
        ("${NO:-$}", "$"),
    ],
)
def test_every_form_has_its_value(text: str, result: str) -> None:
    assert replaced(text) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${", "needs a name"),
        ("${}", "needs a name"),
        ("${A", "followed by none of"),
        ("${A!}", "followed by none of"),
        ("${A:}", "followed by none of"),
        ("${A:-x", "not closed"),
        ("${A:-${A}", "not closed"),
        ("${NO?}", "NO is required$"),
        ("${NO?why}", "NO is required: why"),
        ("${EMPTY:?why $A}", "EMPTY is required: why a"),
        ("${NO:-${NO2?why}}", "NO2 is required"),
    ],
)
def test_a_fault_names_the_path(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message) as caught:
        interpolate({"services": {"web": {"ports": ["80", text]}}}, ENVIRONMENT, Notes())
    assert caught.value.where == "services.web.ports[1]"


def test_an_unset_variable_is_empty_with_a_warning() -> None:
    notes = Notes()
    tree = interpolate({"a": "<$NO>", "b": ["${NO}", "$OTHER"]}, ENVIRONMENT, notes)
    assert tree == {"a": "<>", "b": ["", ""]}
    assert notes.warnings() == (
        "a: the variable NO is not set: it is taken as empty",
        "b[1]: the variable OTHER is not set: it is taken as empty",
    )


@pytest.mark.parametrize("text", ["${NO:-d}", "${NO-d}", "${NO+x}", "${A:-$NO}", "${NO:+$NO2}"])
def test_a_form_that_provides_for_the_unset_does_not_warn(text: str) -> None:
    notes = Notes()
    interpolate({"a": text}, ENVIRONMENT, notes)
    assert notes.warnings() == ()


def test_keys_are_never_touched() -> None:
    assert interpolate({"k": {"$A": "$A"}}, ENVIRONMENT, Notes()) == {"k": {"$A": "a"}}


def test_extensions_at_the_top_are_not_looked_at() -> None:
    assert interpolate({"x-a": "$("}, ENVIRONMENT, Notes()) == {"x-a": "$("}


def test_what_is_no_text_stays_as_it_is() -> None:
    tree: dict[str, Tree] = {"a": [1, True, None, 1.5]}
    assert interpolate(tree, ENVIRONMENT, Notes()) == tree


@given(st.text())
def test_escaping_the_dollars_gives_any_text_back(text: str) -> None:
    assert replaced(text.replace("$", "$$")) == text


@given(st.text(alphabet="${}A:-?+ aN", max_size=40))
def test_any_text_has_a_value_or_a_fault(text: str) -> None:
    with contextlib.suppress(TemplateError):
        assert isinstance(replaced(text), str)


@given(st.text(alphabet=st.characters(blacklist_characters="$}{"), max_size=20))
def test_a_default_is_what_was_written(word: str) -> None:
    assert replaced(f"${{NO:-{word}}}") == word
    assert replaced(f"${{A:+{word}}}") == word
    assert replaced(f"${{A:-{word}}}") == "a"


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), st.text()))
def test_a_value_is_not_interpolated_again(environment: dict[str, str]) -> None:
    tree = {name: f"${{{name}}}" for name in environment if not name.startswith("x-")}
    assert interpolate(tree, environment, Notes()) == environment
