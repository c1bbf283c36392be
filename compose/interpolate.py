"""Variables in values.

    $A ${A}      the value, or nothing with a warning
    ${A:-word}   word if A is unset or empty        ${A-word}  if A is unset
    ${A:?word}   an error if A is unset or empty    ${A?word}  if A is unset
    ${A:+word}   word if A is set and not empty     ${A+word}  if A is set
    $$           a dollar sign, as is a $ that no name and no brace follows

A word may hold variables itself; it is only looked at when it is needed. Keys are never touched,
nor are the extensions (`x-...`) at the top.
"""

import re
from collections.abc import Mapping

from compose.errors import TemplateError, below, clipped
from compose.limits import EXPANDED_CHARS_MAX, NESTED_VARIABLES_MAX
from compose.notes import Notes
from compose.tree import Tree, is_extension

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_OUTSIDE = re.compile(r"\$")
_INSIDE = re.compile(r"[$}]")


def interpolate(
    top: Mapping[str, Tree], environment: Mapping[str, str], notes: Notes
) -> dict[str, Tree]:
    """The template with all variables replaced.

    Raises:
        TemplateError: bad syntax, a required variable is unset, or the result is too large.
    """
    walk = _Walk(environment, notes)
    found: dict[str, Tree] = {}
    for key, value in top.items():
        walk.is_private = key == "secrets"
        found[key] = value if is_extension(key) else walk.tree(value, below("", key))
    return found


class _Walk:
    """One interpolation: the environment, what was warned about, and the room that is left."""

    def __init__(self, environment: Mapping[str, str], notes: Notes) -> None:
        self.environment = environment
        #: what is read now appears in no message, but for the names of variables
        self.is_private = False
        self._notes = notes
        self._unset: set[str] = set()
        self._room = EXPANDED_CHARS_MAX

    def tree(self, value: Tree, where: str) -> Tree:
        # The recursion is as deep as the tree, which parsing has bounded.
        if isinstance(value, str):
            return _Reading(value, where, self).all() if "$" in value else value
        if isinstance(value, dict):
            return {key: self.tree(item, below(where, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.tree(item, below(where, index)) for index, item in enumerate(value)]
        return value

    def spend(self, chars: int, where: str) -> None:
        self._room -= chars
        if self._room < 0:
            raise TemplateError(
                "the template is too large with its variables replaced", where=where
            )

    def value_or_nothing(self, name: str, where: str) -> str:
        if name not in self.environment and name not in self._unset:
            self._unset.add(name)
            shown = clipped(name)
            self._notes.warn(f"the variable {shown} is not set: it is taken as empty", where=where)
        return self.environment.get(name, "")


class _Reading:
    """One value, read from left to right."""

    def __init__(self, text: str, where: str, walk: _Walk) -> None:
        self._text = text
        self._where = where
        self._walk = walk
        self._at = 0
        self._depth = 0

    def all(self) -> str:
        return self._run(_OUTSIDE, is_wanted=True)

    def _run(self, stop: re.Pattern[str], *, is_wanted: bool) -> str:
        """Text up to the end, or up to and without the brace that closes a word."""
        parts: list[str] = []
        while found := stop.search(self._text, self._at):
            parts.append(self._text[self._at : found.start()])
            self._at = found.end()
            if found[0] == "}":
                return self._joined(parts)
            parts.append(self._variable(is_wanted=is_wanted))
        if stop is _INSIDE:
            raise self._fault("a ${ is not closed")
        parts.append(self._text[self._at :])
        return self._joined(parts)

    def _joined(self, parts: list[str]) -> str:
        # Counted before joining: a short text can name a long value half a million times.
        self._walk.spend(sum(map(len, parts)), self._where)
        return "".join(parts)

    def _variable(self, *, is_wanted: bool) -> str:
        following = self._text[self._at : self._at + 1]
        if following == "$":
            self._at += 1
            return "$"
        if following == "{":
            self._at += 1
            return self._braced(is_wanted=is_wanted)
        if _NAME.match(self._text, self._at) is None:
            # As in `https://$1`: Compose leaves it alone.
            return "$"
        name = self._name("a $ needs a name after it")
        return self._walk.value_or_nothing(name, self._where) if is_wanted else ""

    def _name(self, fault: str) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self._fault(fault)
        self._at = found.end()
        return found[0]

    def _braced(self, *, is_wanted: bool) -> str:
        name = self._name("a ${ needs a name after it")
        if self._text[self._at : self._at + 1] == "}":
            self._at += 1
            return self._walk.value_or_nothing(name, self._where) if is_wanted else ""
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None:
            raise self._fault(f"${{{clipped(name)} is followed by none of }} :- - :? ? :+ +")
        self._at = operator.end()
        value = self._walk.environment.get(name)
        is_there = value is not None and (value != "" or ":" not in operator[0])
        word_counts = is_there if operator[0][-1] == "+" else not is_there
        word = self._word(is_wanted=is_wanted and word_counts)
        if not is_wanted:
            return ""
        return self._chosen(operator[0][-1], name, word, value if is_there else None)

    def _chosen(self, operator: str, name: str, word: str, value: str | None) -> str:
        if operator == "+":
            return "" if value is None else word
        if value is not None:
            return value
        if operator == "?":
            reason = f": {clipped(word)}" if word and not self._walk.is_private else ""
            raise TemplateError(
                f"the variable {clipped(name)} is required{reason}", where=self._where
            )
        return word

    def _word(self, *, is_wanted: bool) -> str:
        self._depth += 1
        if self._depth > NESTED_VARIABLES_MAX:
            raise self._fault(f"variables are nested more than {NESTED_VARIABLES_MAX} deep")
        word = self._run(_INSIDE, is_wanted=is_wanted)
        self._depth -= 1
        return word

    def _fault(self, message: str) -> TemplateError:
        shown = "" if self._walk.is_private else f"in {clipped(repr(self._text))}: "
        return TemplateError(f"{shown}{message}", where=self._where)
