"""Looks at all containers when the engine may hang on some of them.

Whoever asks about a container that is being started on a dead file server waits as long as the
start does. The engine's list tells at once, though, that it is there. So each container is waited
for a moment only, and one that isn't answered for is shown as the list has it: vague, but present,
and in nobody's way.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.adapters import docker_labels as label
from agent.adapters.docker_calls import EngineCalls
from agent.adapters.docker_containers import inspection
from agent.adapters.docker_seen import Shown, listed_container, seen_container
from agent.domain.observation import SeenContainer
from agent.errors import EngineTimeout


@dataclass(frozen=True, slots=True)
class _Patience:
    """How some of the containers are asked about."""

    #: so many at once
    abreast: int
    #: how long to wait for one
    each_s: float
    #: when this much is over, what has not been asked about yet is shown as listed
    all_s: float


#: A healthy engine answers in milliseconds, a busy one in a second. One abreast less than there are
#: readers: the other parts of a look need one too.
_OF_MOST = _Patience(abreast=3, each_s=3.0, all_s=6.0)
#: A file server that has just died may take all of its users along.
_OF_SHARING = _Patience(abreast=2, each_s=2.0, all_s=2.0)
#: One that hung is asked about again in every look, without delaying it much.
_OF_HUNG = _Patience(abreast=2, each_s=0.5, all_s=0.5)


@dataclass(slots=True)
class _Round:
    """What asking about some containers came to."""

    ids: Iterator[str]
    found: dict[str, Shown | None] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)


class Looks:
    """Remembers which containers the engine hung on. `doubts`: calls that may hang alone."""

    def __init__(self, reads: EngineCalls, doubts: EngineCalls) -> None:
        self._reads = reads
        self._doubts = doubts
        self._seen: dict[str, SeenContainer] = {}
        self._hung: tuple[str, ...] = ()

    def is_hung(self, container_id: str) -> bool:
        """Whether the engine didn't answer for it the last time."""
        return container_id in self._hung

    async def look(self, rows: Sequence[Shown]) -> tuple[SeenContainer, ...]:
        """The containers of the engine's list in detail. One that has vanished is left out."""
        by_id: Mapping[str, Shown] = {str(row["Id"]): row for row in rows}
        hung = [each for each in self._hung if each in by_id]
        fit = [each for each in by_id if each not in hung]
        sharing = [each for each in fit if label.MOUNTS in (by_id[each]["Labels"] or {})]
        rounds = (
            _Round(each for each in fit if each not in sharing),
            shared := _Round(iter(sharing)),
            _Round(iter(hung)),
        )
        calls = (self._reads, self._doubts, self._doubts)
        patiences = (_OF_MOST, _OF_SHARING, _OF_HUNG)
        await asyncio.gather(
            *(
                _ask(asked, through, patience)
                for asked, through, patience in zip(rounds, calls, patiences, strict=True)
                for _ in range(patience.abreast)
            )
        )
        found = {each: shown for asked in rounds for each, shown in asked.found.items()}
        silent = [each for asked in rounds for each in asked.silent]
        # Where one user of a file server hangs, the others would one after the other. Those that had
        # no turn this time are the first ones next time.
        doubtful = hung + sharing if shared.silent else hung
        untried = [each for each in doubtful if each not in found and each not in silent]
        self._hung = (*untried, *silent)
        seen = [
            _detailed(found[each]) if each in found else listed_container(row, self._seen.get(each))
            for each, row in by_id.items()
        ]
        present = tuple(each for each in seen if each is not None)
        self._seen = {each.id: each for each in present}
        return present


async def _ask(asked: _Round, calls: EngineCalls, patience: _Patience) -> None:
    now = asyncio.get_running_loop().time
    until = now() + patience.all_s
    while now() < until and (each := next(asked.ids, None)) is not None:
        try:
            asked.found[each] = await inspection(calls, each, patience.each_s)
        except EngineTimeout:
            asked.silent.append(each)


def _detailed(shown: Shown | None) -> SeenContainer | None:
    return seen_container(shown) if shown is not None else None
