"""The sections `configs` and `secrets`: texts that services get as files.

Nothing that is said about a secret repeats what is written in it, not even a key that may be a
secret by a forgotten blank (`{content:s3cret}`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from compose.errors import TemplateError, below, clipped
from compose.limits import FILE_BYTES_MAX
from compose.mounts import is_volume_name
from compose.notes import Notes
from compose.section_keys import CONFIG_KEYS, SECRET_KEYS, understood_section
from compose.tree import Tree, hint, is_extension

SECTIONS = ("configs", "secrets")
_KEYS = {"configs": CONFIG_KEYS, "secrets": SECRET_KEYS}


@dataclass(frozen=True, slots=True)
class Inline:
    """One config or secret."""

    content: str = field(repr=False)
    where: str
    #: the project's environment variable that it comes from; empty: it stands in the template
    variable: str = ""


#: by section and name
Inlines = Mapping[tuple[str, str], Inline]


def inlines(
    sections: Mapping[str, Mapping[str, Tree]], environment: Mapping[str, str], notes: Notes
) -> dict[tuple[str, str], Inline]:
    """What the sections declare. `environment` is the project's.

    Raises:
        TemplateError: an entry without a text, one whose text would be elsewhere, or one too long.
    """
    found: dict[tuple[str, str], Inline] = {}
    for section, entries in sections.items():
        for name, value in entries.items():
            if not is_extension(name):
                where = below(section, name)
                options = _options(section, name, value, where, notes)
                found[section, name] = _inline(options, where, environment)
    return found


def check_entries(section: str, entries: Mapping[str, Tree]) -> None:
    """Refuse entries that are no mappings and keys that nobody knows, without repeating them.

    Raises:
        TemplateError: with the path of the entry.
    """
    for name, value in entries.items():
        if is_extension(name):
            continue
        where = below(section, name)
        if not isinstance(value, dict):
            raise TemplateError("must be a mapping with content or environment", where=where)
        known = _KEYS[section]
        for key in value:
            if key not in known and not is_extension(key):
                raise TemplateError(
                    f"has a key that is unknown{hint(key, known)}; known are {', '.join(known)}",
                    where=where,
                )


def hidden_variables(found: Inlines) -> tuple[str, ...]:
    """The variables whose values are secrets."""
    names = {
        one.variable for (section, _), one in found.items() if section == "secrets" and one.variable
    }
    return tuple(sorted(names))


def _options(section: str, name: str, value: Tree, where: str, notes: Notes) -> Mapping[str, Tree]:
    if not is_volume_name(name):
        raise TemplateError(f"{clipped(name)} is no name for it", where=where)
    return understood_section(value, where, _KEYS[section], notes)


def _inline(options: Mapping[str, Tree], where: str, environment: Mapping[str, str]) -> Inline:
    content, variable = options.get("content"), options.get("environment")
    if content is not None and variable is not None:
        raise TemplateError("has content and environment: one of them is enough", where=where)
    at = below(where, "environment" if content is None else "content")
    if content is None:
        if variable is None:
            raise TemplateError("needs content, or environment with a variable's name", where=where)
        if not isinstance(variable, str) or variable not in environment:
            # It may be the value itself, from a $ that is too many.
            raise TemplateError("the project's environment has no such variable", where=at)
        content = environment[variable]
    if not isinstance(content, str):
        # 0123 would arrive as 83.
        raise TemplateError("must be text: put it in quotes", where=at)
    _check_size(content, at)
    return Inline(content, where, variable if isinstance(variable, str) else "")


def _check_size(content: str, where: str) -> None:
    if size_of(content, where) > FILE_BYTES_MAX:
        raise TemplateError(
            f"is longer than {FILE_BYTES_MAX} bytes: bake it into the image, or put it on a volume",
            where=where,
        )


def size_of(content: str, where: str) -> int:
    """How many bytes a file of it has."""
    try:
        return len(content.encode())
    except UnicodeEncodeError:
        # Not as the cause: it holds the whole text.
        raise TemplateError("has characters that no text has", where=where) from None
