"""A service's environment: a list or a map, and the scheduling expressions among its entries."""

from collections.abc import Iterator, Mapping

from compose.errors import TemplateError, below, clipped, shown
from compose.notes import Notes
from compose.placement import PolicyReader, caveat, is_expression
from compose.tree import Tree, text


def environment(
    value: Tree, where: str, project: Mapping[str, str], policy: PolicyReader, notes: Notes
) -> dict[str, str]:
    """The container's variables; where it may run goes to `policy`.

    A variable without a value takes the project's. The last of several of one name counts.

    Raises:
        TemplateError: an entry is no variable, or an expression is malformed.
    """
    variables: dict[str, str] = {}
    for name, given, at in _entries(value, where):
        whole = name if not given else f"{name}={given}"
        if is_expression(name):
            policy.read(whole, at)
            if told := caveat(whole):
                notes.warn(told, where=at)
            continue
        if not name or "=" in name:
            raise TemplateError(f"{shown(whole)} names no variable", where=at)
        # Where a name comes twice the later place counts, as it does for the value.
        variables.pop(name, None)
        if given is not None:
            variables[name] = given
        elif name in project:
            variables[name] = project[name]
        else:
            notes.warn(
                f"{clipped(name)} has no value and the project's environment has none: left out, so "
                "that the image's own stays",
                where=where,
            )
    return variables


def _entries(value: Tree, where: str) -> Iterator[tuple[str, str | None, str]]:
    """Name, value if there is one, and path of every entry."""
    if isinstance(value, dict):
        for name, given in value.items():
            at = below(where, name)
            yield name, None if given is None else text(given, at), at
        return
    if not isinstance(value, list):
        raise TemplateError(f"must be a mapping or a list, not {shown(value)}", where=where)
    for index, entry in enumerate(value):
        at = below(where, index)
        if isinstance(entry, dict):
            raise TemplateError("must be NAME=value without a colon and a blank", where=at)
        name, separator, given = text(entry, at).partition("=")
        yield name, given if separator else None, at
