"""`Revisions`: what projects were asked to be, each revision under a key of its own.

They are read one at a time when somebody asks, and are not held in memory: templates are large.
A key has the operation that made the revision: a write whose acknowledgement was lost may have
happened, and the number may be given again before that is known. Reads and writes: KV `revisions`.
"""

from collections.abc import Iterable

import structlog

from coordinator.errors import RevisionLost
from coordinator.ports import Bucket
from schemas.codec import decode
from schemas.errors import InvalidInput
from schemas.release import RevisionNote
from schemas.revision import RevisionRecord

log = structlog.get_logger()


class Revisions:
    """Keeps revisions. All its methods raise Transient when the bus can't be asked."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def keep(self, revision: RevisionRecord) -> None:
        """Write one down, before the record notes it. Raises TooLarge."""
        key = _key(revision.project, revision.number, revision.operation)
        found = await self._bucket.get(key)
        await self._bucket.put(key, revision, found[1] if found else 0)

    async def get(self, project: str, note: RevisionNote) -> RevisionRecord:
        """The revision that a project's history notes.

        Raises:
            RevisionLost: it is not there, can't be read here, or is not the one that is noted.
        """
        what = f"revision r{note.number} of project {project}"
        found = await self._bucket.get(_key(project, note.number, note.operation))
        if found is None:
            raise RevisionLost(f"{what} is lost: its history has it, and its template is gone")
        try:
            revision = decode(RevisionRecord, found[0])
        except InvalidInput as error:
            log.exception("a revision can't be read", project=project, number=note.number)
            raise RevisionLost(f"{what} can't be read by this coordinator: {error}") from error
        if revision.version != note.version:
            # From before keys had operations.
            raise RevisionLost(f"{what} is lost: another update has written over it")
        return revision

    async def drop_others(self, project: str, kept: Iterable[RevisionNote]) -> None:
        """Forget all that is there of the project but these."""
        named = {_key(project, note.number, note.operation) for note in kept}
        for key in await self._bucket.keys(project):
            if key not in named:
                await self._bucket.purge(key)


def _key(project: str, number: int, operation: str) -> str:
    return f"{project}.{number}.{operation}" if operation else f"{project}.{number}"
