"""Expressions: what a value means, as in classic Swarm."""

import pytest

from coordinator.placement.expressions import matcher, written
from tests.unit.scheduler.builders import an_expression

HOLDS = [
    ("constraint:group==web", "web"),
    ("constraint:group!=web", "db"),
    ("constraint:group!=web", ""),
    ("constraint:group==w*", "web"),
    ("constraint:group==*", ""),
    ("constraint:group==(1|2|3)", "3"),
    ("constraint:group!=(1|2|3)", "4"),
    ("constraint:group==w.b", "wxb"),
    ("constraint:group==/eb/", "web2"),
    ("constraint:group==/^w/", "web"),
    ("constraint:group!=/^w/", "db"),
    # The anchors bind tighter than the bar; brackets are needed to mean one of two.
    ("constraint:group==a|b", "ax"),
    ("constraint:group==/", "/"),
]
FAILS = [
    ("constraint:group==web", "Web"),
    ("constraint:group==web", "web2"),
    ("constraint:group==web", ""),
    ("constraint:group==w*", "xweb"),
    ("constraint:group==(1|2|3)", "12"),
    ("constraint:group!=*", "anything"),
    ("constraint:group==/^b/", "web"),
]


@pytest.mark.parametrize(("text", "value"), HOLDS)
def test_an_expression_holds(text: str, value: str) -> None:
    assert matcher(an_expression(text)).holds([value])


@pytest.mark.parametrize(("text", "value"), FAILS)
def test_an_expression_fails(text: str, value: str) -> None:
    assert not matcher(an_expression(text)).holds([value])


@pytest.mark.parametrize("operator", ["==", "!="])
@pytest.mark.parametrize("value", ["/(/", "a(", "x*" * 129, "/a{3}/"])
def test_an_unusable_pattern_holds_for_nothing_negated_or_not(operator: str, value: str) -> None:
    expression = an_expression(f"constraint:group{operator}{value}")
    assert matcher(expression).problem
    assert not matcher(expression).holds(["web"])


def test_of_several_values_one_has_to_fit() -> None:
    assert matcher(an_expression("affinity:container==a*")).holds(["b1", "a1"])
    assert not matcher(an_expression("affinity:container!=a*")).holds(["b1", "a1"])
    assert matcher(an_expression("affinity:container!=a*")).holds([])


@pytest.mark.parametrize("text", ["group==web", "group!=~w*", "node==/x/"])
def test_an_expression_is_written_as_in_the_template(text: str) -> None:
    assert written(an_expression(f"constraint:{text}")) == text
