r"""`.env` files, as Compose reads them. Pure.

    NAME=value          up to a blank and a #; variables count
    NAME="value"        may have several lines; \n, \t, \" and the like, and variables count
    NAME='value'        may have several lines; only \' means something
    NAME                the value that it has outside
    NAME: value         as with =;  `export` may stand before a name

A variable has the value from outside, else the one from earlier in the file.
"""

import re
from collections.abc import Mapping

from cli.bundle.variables import substituted
from compose.errors import TemplateError, clipped
from compose.notes import Notes

_BOM = "\ufeff"
_NAME = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([^=:\n]*)([=:\n]|$)")
_NAME_OK = re.compile(r"[\w.\-\[\]]+")
_ESCAPE = re.compile(r"\\(?:([abfnrtv\"\\])|(\$)|0([0-7]{0,3}))")
_CODES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_RAW_NAME = re.compile(r"[^\s=]+")


def variables_of(
    text: str,
    outside: Mapping[str, str],
    where: str,
    notes: Notes,
    earlier: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables of a file in their order; `earlier` are those of the files before it.

    Raises:
        TemplateError: a line can't be read; the message has its number.
    """
    return _Reading(text.removeprefix(_BOM), outside, where, notes).all(earlier or {})


def raw_variables_of(text: str, outside: Mapping[str, str], where: str) -> dict[str, str]:
    """The variables of a file in which every character stands for itself.

    Raises:
        TemplateError: a line has no name.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix(_BOM).split("\n"), start=1):
        name, separator, value = line.removesuffix("\r").lstrip().partition("=")
        if not line.strip() or name.startswith("#"):
            continue
        if not _RAW_NAME.fullmatch(name):
            raise TemplateError(f"line {number}: {clipped(repr(name))} is no name", where=where)
        if separator:
            found[name] = value
        elif name in outside:
            found[name] = outside[name]
    return found


class _Reading:
    """One file, read from its beginning to its end."""

    def __init__(self, text: str, outside: Mapping[str, str], where: str, notes: Notes) -> None:
        self._text = text
        self._outside = outside
        self._where = where
        self._notes = notes
        self._at = 0

    def all(self, earlier: Mapping[str, str]) -> dict[str, str]:
        known = dict(earlier)
        found: dict[str, str] = {}
        while self._is_more():
            name, has_value = self._name()
            if has_value:
                found[name] = known[name] = self._value({**known, **self._outside})
            elif name in self._outside:
                found[name] = known[name] = self._outside[name]
        return found

    def _is_more(self) -> bool:
        """Go to the next name, past blanks and comments."""
        while self._at < len(self._text):
            if self._text[self._at].isspace():
                self._at += 1
            elif self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                return True
        return False

    def _name(self) -> tuple[str, bool]:
        found = _NAME.match(self._text, self._at)
        name = found[1].strip() if found else ""
        if found is None or not _NAME_OK.fullmatch(name):
            raise self._fault(f"{clipped(repr(name))} is no variable's name")
        self._at = found.end()
        return name, found[2] in {"=", ":"}

    def _value(self, known: Mapping[str, str]) -> str:
        while self._at < len(self._text) and self._text[self._at] in "\t\v\f\r \x85\xa0":
            self._at += 1
        quote = self._text[self._at : self._at + 1]
        if quote in {"'", '"'} and quote:
            written = self._quoted(quote)
            if quote == "'":
                return written
            return self._expanded(_ESCAPE.sub(_escaped, written), known)
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        written = self._text[self._at : end].partition(" #")[0].rstrip()
        value = self._expanded(written, known)
        self._at = end
        return value

    def _quoted(self, quote: str) -> str:
        """What stands between two quotes: a backslash before one makes it part of the text."""
        parts: list[str] = []
        at = self._at + 1
        while at < len(self._text):
            sign = self._text[at]
            if sign == quote:
                self._at = at + 1
                return "".join(parts)
            pair = self._text[at : at + 2]
            if sign == "\\" and len(pair) == 2:
                parts.append(quote if pair[1] == quote else pair)
                at += 2
                continue
            parts.append(sign)
            at += 1
        raise self._fault(f"a {quote} is not closed")

    def _expanded(self, text: str, known: Mapping[str, str]) -> str:
        try:
            return substituted(text, known, self._where, self._notes)
        except TemplateError as error:
            raise self._fault(error.message) from error

    def _fault(self, message: str) -> TemplateError:
        line = self._text.count("\n", 0, self._at) + 1
        return TemplateError(f"line {line}: {message}", where=self._where)


def _escaped(found: re.Match[str]) -> str:
    if found[1]:
        return _CODES.get(found[1], found[1])
    if found[2]:
        return "$$"
    digits = found[3]
    return chr(int(digits, 8)) if len(digits) == 3 and int(digits, 8) < 256 else found[0]
