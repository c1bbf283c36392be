"""Scheduling expressions: whether `key==value` holds for what a node or a container is.

The rules are classic Swarm's; `compose.patterns` reads the values. An attribute that doesn't exist
is the empty text. A pattern that can't be used is refused with its template. One that an older
version let in matches nothing and is reported, negated or not: guessing in either direction would
place a container where its author may have forbidden it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from compose.patterns import Pattern, UnusablePattern, value_pattern
from schemas.template import Expression


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
    try:
        pattern = value_pattern(expression.value)
    except UnusablePattern as error:
        return Matcher(expression, None, None, str(error))
    literal = expression.value if pattern is None else None
    return Matcher(expression, literal, pattern, "")


def written(expression: Expression) -> str:
    """The expression as a template writes it, without its kind."""
    operator = "!=" if expression.negated else "=="
    soft = "~" if expression.soft else ""
    return f"{expression.key}{operator}{soft}{expression.value}"
