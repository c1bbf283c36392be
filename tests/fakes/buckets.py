"""A bucket in memory, as strict as the real one: one sequence for all keys, markers for deleted
ones. A test may let it fail, hang, or lose the acknowledgement of a write that happened.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping

from pydantic import BaseModel

from coordinator.errors import BusUnavailable, RevisionConflict, TooLarge
from schemas.codec import encode

#: what docs/operations.md sets for a message
PAYLOAD_BYTES_MAX = 8 * 1024 * 1024


class FakeBucket:
    """Implements `coordinator.ports.Bucket`."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[bytes, int]] = {}
        self.is_down = False
        #: of the newest write or deletion
        self.sequence = 0
        #: (verb, key) of every call, in the order they were begun
        self.calls: list[tuple[str, str]] = []
        #: runs before a put is carried out: room for somebody else's write
        self.before_put: Callable[[str], None] = lambda _key: None
        #: the copy of the bucket that answers snapshots, when it isn't the leader's
        self.copy: FakeBucket | None = None
        self._newest: dict[str, int] = {}
        self._lost: defaultdict[str, deque[bool]] = defaultdict(deque)
        self._gates: dict[str, asyncio.Event] = {}

    def lose(self, verb: str, *, happened: bool, times: int = 1) -> None:
        """Make the next calls unavailable; `happened` says whether the write had arrived."""
        self._lost[verb].extend([happened] * times)

    def find_again(self, verb: str) -> None:
        """Lose none of the next calls."""
        self._lost[verb].clear()

    def hold(self, verb: str) -> asyncio.Event:
        """Make calls wait until the event is set; writes and reads have happened by then."""
        self._gates[verb] = asyncio.Event()
        return self._gates[verb]

    def release(self, verb: str) -> None:
        """Let later calls pass; those that wait go on waiting for their event."""
        del self._gates[verb]

    async def snapshot(self, at_least: int = 0) -> Mapping[str, tuple[bytes, int]]:
        await self._begin("snapshot", "")
        answering = self.copy or self
        if answering.newest_kept < min(at_least, self.newest_kept):
            raise BusUnavailable(f"the copy is not at {at_least} yet")
        found = dict(answering.values)
        await self._end("snapshot")
        return found

    async def get(self, key: str) -> tuple[bytes, int] | None:
        await self._begin("get", key)
        found = self.values.get(key)
        await self._end("get")
        return found

    async def newest(self) -> int:
        await self._begin("newest", "")
        return self.sequence

    @property
    def newest_kept(self) -> int:
        """The sequence of the newest write or deletion that is still there."""
        return max(self._newest.values(), default=0)

    def go_back_to(self, copy: "FakeBucket") -> None:
        """Become what the bucket was when the copy was made."""
        self.values, self._newest = dict(copy.values), dict(copy._newest)
        self.sequence = copy.sequence

    async def put(self, key: str, value: BaseModel, revision: int) -> int:
        payload = encode(value)
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise TooLarge(f"{key} is too large")
        await self._begin("put", key)
        self.before_put(key)
        exists = key in self.values
        if revision != self._newest.get(key, 0) and (revision != 0 or exists):
            raise RevisionConflict(f"{key} has moved on")
        written = self.write(key, payload)
        await self._end("put")
        return written

    async def delete(self, key: str, revision: int) -> None:
        await self._begin("delete", key)
        if revision != self._newest.get(key, 0):
            raise RevisionConflict(f"{key} has moved on")
        self.sequence += 1
        self._newest[key] = self.sequence
        self.values.pop(key, None)
        await self._end("delete")

    async def keys(self, first: str) -> Collection[str]:
        await self._begin("keys", first)
        # A mark of what is deleted is a key as well, as far as the broker is concerned.
        found = sorted(key for key in self._newest if key.startswith(f"{first}."))
        await self._end("keys")
        return found

    async def purge(self, key: str) -> None:
        await self._begin("purge", key)
        self.values.pop(key, None)
        self._newest.pop(key, None)
        await self._end("purge")

    def write(self, key: str, payload: bytes) -> int:
        """Write as somebody else would who holds the newest revision."""
        self.sequence += 1
        self._newest[key] = self.sequence
        self.values[key] = (payload, self.sequence)
        return self.sequence

    def lose_key(self, key: str) -> None:
        """Forget a key without leaving a mark, as no bus should."""
        del self.values[key], self._newest[key]

    def written(self) -> list[str]:
        return [key for verb, key in self.calls if verb == "put"]

    async def _begin(self, verb: str, key: str) -> None:
        self.calls.append((verb, key))
        await asyncio.sleep(0)
        lost = self._lost[verb]
        if self.is_down or (lost and not lost[0]):
            if not self.is_down:
                lost.popleft()
            raise BusUnavailable(f"{verb} {key}")

    async def _end(self, verb: str) -> None:
        if gate := self._gates.get(verb):
            await gate.wait()
        else:
            await asyncio.sleep(0)
        if self._lost[verb]:
            self._lost[verb].popleft()
            raise BusUnavailable(verb)
