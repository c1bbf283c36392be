"""`.env` files, line by line: the examples of the corpus say what Compose makes of the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.bundle.dotenv import raw_variables_of, variables_of
from cli.bundle.variables import literal, substituted
from compose.errors import TemplateError
from compose.notes import Notes


def read(text: str, **outside: str) -> dict[str, str]:
    return variables_of(text, outside, "", Notes())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b", "b"),
        ("A = b ", "b"),
        ("  A=b", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("A: b", "b"),
        ("A=", ""),
        ("A=b c", "b c"),
        ("A=b # c", "b"),
        ("A=b#c", "b#c"),
        ("A=b\r\nB=c", "b"),
        ("\ufeffA=b", "b"),
        ("# A=a\n\n#\nA=b\n# c", "b"),
        ("A=a\nA=b", "b"),
        ("A='b c # d'", "b c # d"),
        ("A='$B ${B'", "$B ${B"),
        (r"A='a\'b\n'", r"a'b\n"),
        ("A='a\nb'", "a\nb"),
        ('A="b" # c', "b"),
        ('A="a\nb\n"', "a\nb\n"),
        (r'A="a\nb\t\"c\" \\ \$OUT \x"', 'a\nb\t"c" \\ $OUT \\x'),
        (r'A="\0101\012"', r"A\012"),
        ('A="x$OUT"', "xout"),
        ("A=$OUT-${OUT}-$$OUT", "out-out-$OUT"),
        ("A=${NO:-$OUT}", "out"),
        ("B=1\nA=$B", "1"),
        ("OUT=in\nA=$OUT", "out"),
        ("A=$1 $", "$1 $"),
        ("A=a=b", "a=b"),
        ('A={"b": "c"}', '{"b": "c"}'),
        ("A=b'c\"", "b'c\""),
    ],
)
def test_every_form_of_a_line_has_its_value(text: str, value: str) -> None:
    assert read(text, OUT="out")["A"] == value


def test_a_name_alone_takes_the_value_from_outside_or_is_left_out() -> None:
    assert read("OUT\nNO\nA=$OUT", OUT="out") == {"OUT": "out", "A": "out"}
    assert read("OUT", OUT="out") == {"OUT": "out"}


def test_a_variable_of_an_earlier_file_is_known() -> None:
    assert variables_of("A=$B", {}, "", Notes(), {"B": "1"}) == {"A": "1"}


def test_an_unset_variable_is_empty_with_a_warning() -> None:
    notes = Notes()
    assert variables_of("A=x$NO", {}, "here", notes) == {"A": "x"}
    assert notes.warnings() == ("here: the variable NO is not set: it is taken as empty",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\nB C=2", "line 2: 'B C' is no variable's name"),
        ("A=1\n=2", "line 2: '' is no variable's name"),
        ("A=1\n\nB='x\ny", "line 3: a ' is not closed"),
        ('A="x', 'line 1: a " is not closed'),
        ("A=1\nB=${", "line 2: in '${': a ${ needs a name"),
        ("A=${B:?why}", "line 1: the variable B is required: why"),
    ],
)
def test_a_fault_has_its_line(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        read(text)
    assert message in str(caught.value)


def test_in_the_raw_format_every_character_is_itself() -> None:
    text = '\ufeff# no\n\nA="b" $C # d\r\n  B=\'x\nOUT\nNO\nE='
    assert raw_variables_of(text, {"OUT": "out"}, "") == {
        "A": '"b" $C # d',
        "B": "'x",
        "OUT": "out",
        "E": "",
    }
    with pytest.raises(TemplateError, match="line 2: 'A B' is no name"):
        raw_variables_of("A=1\nA B=2", {}, "")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r'\\\0")))
def test_what_stands_in_single_quotes_is_itself(value: str) -> None:
    assert read(f"A='{value}'") == {"A": value}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_literal_text_is_itself_after_substitution(text: str) -> None:
    assert substituted(literal(text), {"A": "b"}) == text


@given(st.text("AB=:'\"\\$ {}#\n\t-_é", max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        found = read(text, A="b")
    except TemplateError:
        return
    assert all(found)
