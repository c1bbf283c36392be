"""Scheduling expressions: whether `key==value` holds for what a node or a container is.

The rules are classic Swarm's. A value between slashes is a regular expression that may match
anywhere; any other value is matched as a whole, `*` stands for anything, and the other
metacharacters stay alive, so `(1|2|3)` means one of three. An attribute that doesn't exist is
the empty text. A pattern that can't be used matches nothing and is reported, negated or not:
guessing in either direction would place a container where its author may have forbidden it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from coordinator.domain.patterns import (
    PATTERN_LENGTH_MAX,
    Pattern,
    UnusablePattern,
    compile_pattern,
)
from schemas.records import Expression

_METACHARACTERS = frozenset(".*+?()[]{}|\\^$")


@dataclass(frozen=True, slots=True)
class Matcher:
    """An expression, ready to be used."""

    expression: Expression
    #: the value when it has no metacharacter: plain comparison is then enough
    literal: str | None
    _pattern: Pattern | None
    #: why the pattern can't be used; empty if it can
    problem: str

    def finds(self, values: Iterable[str]) -> bool:
        """Whether the pattern fits one of the values. Negation is not applied."""
        if self.literal is not None:
            return self.literal in values
        pattern = self._pattern
        return pattern is not None and any(pattern.search(value) for value in values)

    def holds(self, values: Iterable[str]) -> bool:
        """Whether the expression as a whole is true of these values."""
        return not self.problem and self.finds(values) != self.expression.negated


def matcher(expression: Expression) -> Matcher:
    """Prepare an expression. An unusable pattern is no error here: see `Matcher.problem`."""
    value = expression.value
    if len(value) > PATTERN_LENGTH_MAX:
        return Matcher(expression, None, None, f"longer than {PATTERN_LENGTH_MAX} characters")
    is_regex = len(value) > 1 and value[0] == value[-1] == "/"
    if not is_regex and _METACHARACTERS.isdisjoint(value):
        return Matcher(expression, value, None, "")
    try:
        return Matcher(expression, None, compile_pattern(_source(value, is_regex=is_regex)), "")
    except UnusablePattern as error:
        return Matcher(expression, None, None, str(error))


def problem_with(expression: Expression) -> str:
    """Why the expression's pattern can't be used, to refuse it early; empty if it can."""
    return matcher(expression).problem


def written(expression: Expression) -> str:
    """The expression as a template writes it, without its kind."""
    operator = "!=" if expression.negated else "=="
    soft = "~" if expression.soft else ""
    return f"{expression.key}{operator}{soft}{expression.value}"


def _source(value: str, *, is_regex: bool) -> str:
    if is_regex:
        return value[1:-1]
    return f"^{value.replace('*', '.*')}$"
