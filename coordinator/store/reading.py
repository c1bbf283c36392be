"""`refreshed`: what a bucket has by now, decoded, without taking back what we wrote meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TypeVar

import structlog
from pydantic import BaseModel

from coordinator.ports import Bucket
from coordinator.store.picture import Held
from schemas.codec import decode
from schemas.errors import InvalidInput

log = structlog.get_logger()

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")

#: Documents that are decoded in one turn of the loop: some milliseconds, in which no heartbeat is
#: heard and no lease renewed. Thousands in one turn cost a busy coordinator its lease, which made
#: it read everything again.
TURN = 50


async def in_turns(items: Iterable[Item]) -> AsyncIterator[Item]:
    """The items, with a turn for everybody else now and then."""
    for number, item in enumerate(items, 1):
        yield item
        if number % TURN == 0:
            await asyncio.sleep(0)


def _nothing(_key: str) -> None:
    return None


async def refreshed(
    model: type[Model],
    bucket: Bucket,
    held: Callable[[], Mapping[str, Held[Model]]],
    newest: int,
    *,
    blank: Callable[[str], Model | None] = _nothing,
) -> dict[str, Held[Model]]:
    """Every value that can be read; for one that can't, `blank` of its key, or nothing.

    A snapshot takes time, and is older than what was written since it began: of those keys the
    newer revision stays. `held` gives what is remembered at the moment it is called. What has the
    revision that is remembered is what is remembered.

    Raises:
        BusUnavailable: the copy that answered is older than `newest`, the bucket's newest sequence
            of a moment ago, or than what is remembered. It would take back what is known.
    """
    before = dict(held())
    at_least = max((newest, *(each.revision for each in before.values())))
    fresh: dict[str, Held[Model]] = {}
    async for key, (payload, revision) in in_turns((await bucket.snapshot(at_least)).items()):
        known = before.get(key)
        is_same = known is not None and known.revision == revision
        each = known if is_same else _read(model, key, payload, revision, blank)
        if each is not None:
            fresh[key] = each
    now = held()
    for key in before.keys() | now.keys():
        ours = now.get(key)
        if ours is before.get(key):
            continue
        if ours is None:
            fresh.pop(key, None)
        elif key not in fresh or fresh[key].revision < ours.revision:
            fresh[key] = ours
    return fresh


def _read(
    model: type[Model],
    key: str,
    payload: bytes,
    revision: int,
    blank: Callable[[str], Model | None],
) -> Held[Model] | None:
    try:
        return Held(decode(model, payload), revision)
    except InvalidInput:
        log.exception("a record can't be read", key=key)
        instead = blank(key)
        return None if instead is None else Held(instead, revision)
