"""`Revisions`: what projects were asked to be, each revision under a key of its own.

They are read one at a time when somebody asks, and are not held in memory: templates are large.
Reads and writes: KV `revisions`.
"""

from collections.abc import Iterable

from coordinator.errors import NoRevision
from coordinator.ports import Bucket
from schemas.codec import decode
from schemas.revision import RevisionRecord


class Revisions:
    """Keeps revisions. All its methods raise Transient when the bus can't be asked."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def keep(self, revision: RevisionRecord) -> None:
        """Write one down, over one that a command which came to nothing has left."""
        key = _key(revision.project, revision.number)
        found = await self._bucket.get(key)
        await self._bucket.put(key, revision, found[1] if found else 0)

    async def get(self, project: str, number: int) -> RevisionRecord:
        """One revision. Raises NotFound, or SchemaError where it can't be read here."""
        found = await self._bucket.get(_key(project, number))
        if found is None:
            raise NoRevision(project, number)
        return decode(RevisionRecord, found[0])

    async def drop(self, project: str, numbers: Iterable[int]) -> None:
        """Forget these, as far as they are there."""
        for number in numbers:
            found = await self._bucket.get(_key(project, number))
            if found is not None:
                await self._bucket.delete(_key(project, number), found[1])


def _key(project: str, number: int) -> str:
    return f"{project}.{number}"
