"""YAML text to plain values."""

import pytest

from compose.errors import TemplateError
from compose.parse import _at, parse


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("22:22", "22:22"),
        ("12:30:45", "12:30:45"),
        ("2001-01-01", "2001-01-01"),
        ("0644", 0o644),
        ("0x1F", 31),
        ("0b101", 5),
        ("-0x1F", -31),
        ("1_000", 1000),
        ("08", "08"),
        ("0", 0),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1.0e+3", 1000.0),
        ("1e3", "1e3"),
        ("1.0e+999", "1.0e+999"),
        (".inf", ".inf"),
        ("0x_", "0x_"),
        ("-", None),
        ("'80'", "80"),
        ('"true"', "true"),
        ("!!str 80", "80"),
        ("!!int 80", 80),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_scalar_means_what_its_writer_meant(written: str, value: object) -> None:
    if written == "-":
        assert parse("a: [-]") == {"a": ["-"]}
        return
    assert parse(f"a: {written}") == {"a": value}


@pytest.mark.parametrize("key", ["on", "yes", "80", "true", "1.10", "0644", "22:22"])
def test_a_key_is_the_text_that_the_user_wrote(key: str) -> None:
    assert parse(f"{key}: 1") == {key: 1}


def test_windows_line_ends_and_one_space_are_fine() -> None:
    assert parse("web:\r\n image: nginx\r\n ports:\r\n - 80") == {
        "web": {"image": "nginx", "ports": [80]}
    }


def test_an_own_key_is_stronger_than_a_merged_one() -> None:
    tree = parse("x-a: &a {k: 1, l: 1}\nx-b: &b {l: 2, m: 2}\nc: {k: 9, <<: [*a, *b]}")
    assert tree["c"] == {"k": 9, "l": 1, "m": 2}


def test_a_quoted_merge_sign_is_a_key() -> None:
    assert parse("a: {'<<': 1}") == {"a": {"<<": 1}}


def test_an_anchor_can_stand_on_scalars_and_keys() -> None:
    assert parse("a: &x 5\n&y b: *x\nc: [*x, *y]") == {"a": 5, "b": 5, "c": [5, "b"]}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1, "twice"),
        ("x: {<<: {a: 1}, <<: {b: 1}}", 1, 17, "twice"),
        ("a:\n\tb: 1", 2, 1, "not valid YAML"),
        ("a: [1", 2, 1, "not valid YAML"),
        ("a: *nobody", 1, 4, "no anchor"),
        ("a: &a [*a]", 1, 8, "no anchor"),
        ("a: {<<: 1}", 1, 9, "merge key"),
        ("a: {<<: [{}, 1]}", 1, 15, "merge key"),
        ("? [a]\n: b", 1, 3, "plain text"),
        ("a: &x b\n*x : c", 2, 1, "plain text"),
        ("'': 1", 1, 1, "empty"),
        ("a: !!python/object:os.system x", 1, 4, "tag"),
        ("a: !!set {x}", 1, 4, "tag"),
        ("a: !reset []", 1, 4, "tag"),
        ("--- {a: 1}\n--- {b: 1}", 2, 1, "one YAML document"),
        ('a: "\\0"', 1, 4, "NUL"),
        ("- a", 1, 1, "mapping"),
        ("text", 1, 1, "mapping"),
    ],
)
def test_a_fault_has_a_line_and_a_column(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(TemplateError, match=message) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"line {line}, column {column}" in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing\n", "a: \x01", "a: \ud800", "---\n"])
def test_what_holds_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text)


def test_a_fault_without_a_position_is_a_fault() -> None:
    assert _at(None, "bad").line is None
