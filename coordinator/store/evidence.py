"""Proof of loss by what is stored: records against documents and reports. Pure.

Records, tombstones, documents and what nodes report describe the same slots. A slot that a document
wants, of a project that has neither record nor tombstone, proves that the record was lost; so does
a document that was made from a newer record than the one that is there. Such a project is in doubt:
what its documents say stays as it is until an operator has decided. The same is so of volumes.

    lost         no record, and a document wants it, or a node reports what nobody has ordered away
    unreadable   the record is damaged, or of a version that can't be read here
    rolled back  the record is older than one that a document was made from

What proves nothing: an order to remove, and a container that is under such an order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from coordinator.store.indexes import Report
from coordinator.store.nodes import NodePicture
from coordinator.store.restoring import restored_project
from schemas.desired import NodeDesired
from schemas.records import ProjectRecord, VolumeRecord
from schemas.states import Wanted

_WAYS_OUT = {
    "project": (
        "restore it from the nodes' documents (POST /projects/{name}/restore), create it again{over}, "
        "or delete it with force"
    ),
    "volume": (
        "restore it from the nodes' documents (POST /volumes/{name}/restore), create it again{over}, "
        "or delete it"
    ),
}
#: what is there in some form is replaced on purpose only
_OVER = " with take_over=true"


class DoubtKind(StrEnum):
    """What is wrong with a record."""

    LOST = "lost"
    UNREADABLE = "unreadable"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a record proves nothing."""

    kind: DoubtKind
    #: what happened, and what to do about it
    words: str
    #: of a project without a readable record: what is known of it, as if it were its record
    known: ProjectRecord | None = None
    #: the newest revision that a document was made from
    made_from: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What a bucket has under a name."""

    record: ProjectRecord | VolumeRecord | None
    #: documents made from newer ones prove that this one is old
    revision: int
    #: why it can't be read; empty: it can
    fault: str = ""

    @property
    def is_there(self) -> bool:
        return bool(self.fault) or self.record is not None


def project_doubt(
    name: str,
    kept: Kept,
    documents: Mapping[str, NodeDesired],
    reports: Mapping[str, tuple[NodePicture, Report]],
) -> Doubt | None:
    """Whether a project's record is in doubt.

    `documents` are those that mention the project, by node; `reports` what nodes that have joined
    report of it.
    """
    made_from = max((each.records.get(name, 0) for each in documents.values()), default=0)
    if kept.is_there:
        found = _of_what_is_there("project", name, kept, made_from)
        if found is None or kept.record is not None:
            return found
        return replace(found, known=restored_project(name, documents))
    wanting = sorted(
        node
        for node, document in documents.items()
        if any(s.project == name and s.wanted is not Wanted.ABSENT for s in document.slots)
    )
    seen = sorted(_unordered(documents, reports))
    if not wanting and not seen:
        return None
    what = (
        f"its record is gone, and the orders of {_nodes(wanting)} want it"
        if wanting
        else f"it has no record, and containers of it are on {_nodes(seen)}"
    )
    words = _words("project", name, what, DoubtKind.LOST)
    return Doubt(DoubtKind.LOST, words, restored_project(name, documents), made_from)


def volume_doubt(name: str, kept: Kept, documents: Mapping[str, NodeDesired]) -> Doubt | None:
    """Whether a volume's record is in doubt; `documents` are all that mount it."""
    made_from = max((each.volume_records.get(name, 0) for each in documents.values()), default=0)
    if kept.is_there:
        return _of_what_is_there("volume", name, kept, made_from)
    wanting = sorted(
        node
        for node, document in documents.items()
        if any(m.name == name and m.wanted is not Wanted.ABSENT for m in document.mounts)
    )
    if not wanting:
        return None
    what = f"its record is gone, and the orders of {_nodes(wanting)} want it"
    return Doubt(DoubtKind.LOST, _words("volume", name, what, DoubtKind.LOST), None, made_from)


def _of_what_is_there(noun: str, name: str, kept: Kept, made_from: int) -> Doubt | None:
    """The doubt about a record that can't be read, or is older than what was made from it."""
    if kept.fault:
        kind, what = DoubtKind.UNREADABLE, f"its record can't be read here ({kept.fault})"
    elif made_from > kept.revision:
        kind = DoubtKind.ROLLED_BACK
        what = f"its record is of revision {kept.revision}, documents were made from {made_from}"
    else:
        return None
    return Doubt(kind, _words(noun, name, what, kind), None, made_from)


def _unordered(
    documents: Mapping[str, NodeDesired],
    reports: Mapping[str, tuple[NodePicture, Report]],
) -> Iterable[str]:
    """Nodes that have containers of the project of which their documents say nothing.

    A report that was made with older orders, or by a node that is not believed, proves nothing: the
    container may be gone by now.
    """
    for node, (picture, report) in reports.items():
        document = documents.get(node)
        entries = {slot.key for slot in document.slots} if document else set()
        if picture.current is None or not picture.is_trusted:
            continue
        holds = picture.current.epoch, picture.current.generation
        if document is not None and holds != (document.epoch, document.generation):
            # Of a newer one as well: it may say what this coordinator has not read yet.
            continue
        if any(container.key not in entries for container in report.containers):
            yield node


def _words(noun: str, name: str, what: str, kind: DoubtKind) -> str:
    ways = _WAYS_OUT[noun].format(name=name, over="" if kind is DoubtKind.LOST else _OVER)
    return f"{noun} {name} is in doubt: {what}; what runs is left as it is. {ways[0].upper()}{ways[1:]}"


def _nodes(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"node{'s' if len(names) > 1 else ''} {shown}{more}"
