"""`labels` of services, networks and volumes: text by name, without the names that are taken."""

from collections.abc import Iterator

from compose.errors import TemplateError, below
from compose.notes import Notes
from compose.tree import Tree, text_map, texts

#: The agent tells by these what is ours, and what it is.
_OURS = "troopers."
#: The agent sets the first of these itself; templates that were made from running containers carry
#: more, and they are true of those containers only.
_COMPOSES = "com.docker.compose."


def own_labels(value: Tree, where: str, notes: Notes) -> dict[str, str]:
    """The labels, as a map or as a list of `k=v`.

    Raises:
        TemplateError: they are none, or one has a name that is ours.
    """
    labels = text_map(value, where)
    for name in _repeated(value, where):
        notes.warn("is there twice: the last one counts", where=below(where, name))
    for name in labels:
        if name.startswith(_OURS):
            raise TemplateError(
                f"labels that start with {_OURS} are Troopers' own", where=below(where, name)
            )
        if name.startswith(_COMPOSES):
            notes.warn("left out: Compose's own labels say what we make", where=below(where, name))
    return {name: one for name, one in labels.items() if not name.startswith(_COMPOSES)}


def _repeated(value: Tree, where: str) -> Iterator[str]:
    seen: set[str] = set()
    for entry in texts(value, where) if isinstance(value, list) else ():
        name = entry.partition("=")[0]
        if name in seen:
            yield name
        seen.add(name)
