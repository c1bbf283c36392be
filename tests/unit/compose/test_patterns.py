"""Patterns: the language of Go's engine that expressions need, without its pitfalls here."""

import re
import string
from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.patterns import (
    PATTERN_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    UnusablePattern,
    compile_pattern,
)

MATCHES = [
    ("", ""),
    ("b", "abc"),
    ("^abc$", "abc"),
    ("^a.c$", "axc"),
    ("^(1|2|3)$", "2"),
    ("^(?:ab)+$", "abab"),
    ("^a??b$", "b"),
    ("^[a-c]+$", "abc"),
    ("^[^a-c]$", "d"),
    ("^[]a]$", "]"),
    ("^[a-]$", "-"),
    (r"^[\d.]+$", "10.0"),
    (r"^\d\D\w\W\s\S$", "1a_- x"),
    (r"^\.$", "."),
    ("^(a*)*$", "aaa"),
    ("^$", ""),
    ("^^a$$", "a"),
    ("a|^$", ""),
    ("(|a)b", "b"),
]
MISSES = [
    ("b", "ac"),
    ("^a$", "a\n"),
    ("^.$", "\n"),
    ("^(1|2|3)$", "12"),
    ("a^b", "ab"),
    ("a$b", "ab"),
    ("^[^a-c]$", "a"),
    ("^A$", "a"),
    (r"^\d$", "٣"),
    ("^$", "a"),
]
UNUSABLE = [
    ("(", "unbalanced ("),
    (")", "unbalanced )"),
    ("a)b", "unbalanced )"),
    ("[", "unbalanced ["),
    ("[a", "unbalanced ["),
    ("[b-a]", "bad range b-a"),
    (r"[a-\d]", "bad range"),
    ("*", "nothing to repeat before *"),
    ("a|+", "nothing to repeat before +"),
    ("a**", "nothing to repeat before *"),
    ("a{2}", "counted repetition"),
    ("(?i)a", r"groups with (?"),
    ("(?=a)", r"groups with (?"),
    ("\\", "ends with a backslash"),
    (r"(a)\1", r"\1 is not supported"),
    (r"\bx", r"\b is not supported"),
    ("(" * 50 + ")" * 50, "groups inside each other"),
    ("a" * (PATTERN_LENGTH_MAX + 1), "longer than"),
]


@pytest.mark.parametrize(("pattern", "text"), MATCHES)
def test_a_pattern_matches(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).search(text)


@pytest.mark.parametrize(("pattern", "text"), MISSES)
def test_a_pattern_does_not_match(pattern: str, text: str) -> None:
    assert not compile_pattern(pattern).search(text)


@pytest.mark.parametrize(("pattern", "problem"), UNUSABLE)
def test_what_is_no_pattern_is_refused_with_a_reason(pattern: str, problem: str) -> None:
    with pytest.raises(UnusablePattern, match=re.escape(problem)):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|a)*$",
        "^" + "a*" * 100 + "b$",
        "(.*.*.*)*x",
        "^" + "a?" * 60 + "a" * 60 + "$",
    ],
)
def test_no_pattern_is_catastrophic(pattern: str) -> None:
    started = perf_counter()
    compile_pattern(pattern).search("a" * TEXT_LENGTH_MAX + "!")
    # Backtracking would take longer than the universe has left; one second is generous.
    assert perf_counter() - started < 1


def test_only_the_beginning_of_a_huge_text_is_looked_at() -> None:
    assert not compile_pattern("b").search("a" * TEXT_LENGTH_MAX + "b")


def test_forgetting_learnt_steps_changes_no_answer() -> None:
    pattern = compile_pattern("^[^q]*z$")
    texts = [chr(0x4E00 + i) + "z" for i in range(9_000)]
    assert all(pattern.search(text) for text in texts)


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\W", "^", "$", "-", ""])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({})".format, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "*?"])),
        st.builds("{}|{}".format, inner, inner),
        st.builds("{}{}".format, inner, inner),
    )


@given(
    pattern=st.recursive(_ATOMS, _larger, max_leaves=6),
    text=st.text(alphabet="ab1-\n", max_size=6),
)
def test_a_usable_pattern_means_what_python_says(pattern: str, text: str) -> None:
    # `\Z` is what `$` means to us: the very end, not before a trailing newline.
    expected = re.search(pattern.replace("$", r"\Z"), text) is not None
    assert compile_pattern(pattern).search(text) == expected


@given(st.text(alphabet=string.printable, max_size=40))
def test_any_text_is_either_usable_or_refused(text: str) -> None:
    with suppress(UnusablePattern):
        compile_pattern(text).search("some text")
