"""Which index a node gets: `index_for`, pure.

A global service numbers its slots by it, so a node whose record was lost must get back the one that
it had, and nobody else may get it meanwhile.
"""

from collections.abc import Collection, Mapping

from schemas.current import NodeCurrent
from schemas.desired import NodeDesired


def index_for(
    name: str,
    taken: Collection[int],
    documents: Mapping[str, NodeDesired],
    reports: Mapping[str, NodeCurrent],
) -> int:
    """Its own, by its document or its report, unless it is taken; otherwise one never given away.

    `taken` are those of the nodes that have a record.
    """
    document, report = documents.get(name), reports.get(name)
    for had in (document.index if document else 0, report.index if report else 0):
        if had and had not in taken:
            return had
    written = (each.index for each in documents.values())
    return 1 + max((*taken, *written, *(each.index for each in reports.values())), default=0)
