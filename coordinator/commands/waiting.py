"""`Waiting`: how far an operation is, and the wait for its end. Reads: the store, views."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from coordinator.clock import CLOCK, Clock
from coordinator.commands import volume_catalogue
from coordinator.commands.progress import Lag, lag, progress, proof_s
from coordinator.commands.standings import WEIGHT_VERB, Standing, weight_standing
from coordinator.store.changes import Change, Kind
from coordinator.store.store import Store
from coordinator.views.projects import ProjectViews
from schemas.command import AnyCommand, VolumeCommand
from schemas.release import Operation
from schemas.reply import Progress

#: No project has this name.
_VOLUMES = ""
#: changes that are about the project they name
_OF_PROJECT = frozenset(
    {
        Kind.PROJECT,
        Kind.PLACEMENT,
        Kind.REPORTED,
        Kind.APPLIED,
        Kind.ORDER,
        Kind.HOMES,
        Kind.ROUTES,
    }
)
#: changes of a node that are about the projects which it has or should have
_OF_NODE = frozenset({Kind.KNOWN, Kind.DOCUMENT})


def _everywhere(_project: str) -> bool:
    """Without routers."""
    return True


class Waiting:
    """Wakes those who wait for what has changed, and looks once per change for all of them."""

    def __init__(
        self,
        store: Store,
        views: ProjectViews,
        is_routed: Callable[[str], bool] = _everywhere,
        *,
        clock: Clock = CLOCK,
    ) -> None:
        """`is_routed`: whether routers go by what a project's record says."""
        self._is_routed = is_routed
        self._clock = clock
        self._store = store
        self._views = views
        #: by project; volumes are everywhere, and all waited for under one name
        self._waiters: dict[str, set[asyncio.Event]] = {}
        #: of the operations that somebody waits for, by id, and the store's version then
        self._standings: dict[str, Standing] = {}
        self._standings_at = -1
        store.changes.listen(self._hear)

    async def end(self, command: AnyCommand, operation: Operation) -> Standing:
        """The standing at which the operation is over, and stays so for as long as a proof takes."""
        key = _VOLUMES if isinstance(command, VolumeCommand) else command.project
        is_news, done_since = False, None
        with self._listening(key) as changed:
            while True:
                changed.clear()
                standing, left_s = self._standing(command, operation), None
                if standing.progress is Progress.RUNNING:
                    is_news, done_since = True, None
                elif standing.progress is Progress.DONE:
                    now = self._clock.monotonic()
                    done_since = now if done_since is None else done_since
                    left_s = done_since - now + self._proof_s(command, operation, is_news=is_news)
                    if left_s <= 0:
                        return standing
                else:
                    return standing
                try:
                    async with asyncio.timeout(left_s):
                        await changed.wait()
                except TimeoutError:
                    return standing

    def _proof_s(self, command: AnyCommand, operation: Operation, *, is_news: bool) -> float:
        if isinstance(command, VolumeCommand):
            return 0.0
        return proof_s(operation, self._views.of(command.project), is_news=is_news)

    @contextlib.contextmanager
    def _listening(self, key: str) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        waiters = self._waiters.setdefault(key, set())
        waiters.add(changed)
        try:
            yield changed
        finally:
            waiters.discard(changed)
            if not waiters and self._waiters.get(key) is waiters:
                del self._waiters[key]

    def _hear(self, change: Change) -> None:
        if not self._waiters:
            return
        if change.kind in _OF_PROJECT:
            self._wake(change.key)
        elif change.kind in _OF_NODE:
            store = self._store
            for project in (
                *store.documented.projects_at(change.key),
                *store.reported.projects_at(change.key),
                *{slot.project for slot in store.placed.at(change.key)},
            ):
                self._wake(project)
        elif change.kind is Kind.ROUTER:
            for project in list(self._waiters):
                self._wake(project)
        if change.kind in {Kind.VOLUME, Kind.KNOWN}:
            self._wake(_VOLUMES)

    def _wake(self, key: str) -> None:
        for changed in self._waiters.get(key, ()):
            changed.set()

    def _standing(self, command: AnyCommand, operation: Operation) -> Standing:
        """Where it stands. Looked at once per change: all who wait are woken in the same turn."""
        version = self._store.changes.version
        if self._standings_at != version:
            self._standings, self._standings_at = {}, version
        standing = self._standings.get(operation.id)
        if standing is None:
            standing = self._standings[operation.id] = self._look(command, operation)
        return standing

    def _look(self, command: AnyCommand, operation: Operation) -> Standing:
        store = self._store
        if isinstance(command, VolumeCommand):
            nodes = store.known.values()
            return volume_catalogue.progress(operation, store.volumes.get(command.name), nodes)
        name = command.project
        applied = store.applied.get(name)
        is_applied = name in store.projects and applied == store.projects.revision(name)
        view = self._views.of(name)
        if operation.verb == WEIGHT_VERB:
            return weight_standing(view, is_routed=is_applied and self._is_routed(name))
        return progress(operation, view, self._lag(name), is_applied=is_applied)

    def _lag(self, project: str) -> Lag:
        store = self._store
        return lag(
            (store.documents[name], store.known[name])
            for name in store.documented.nodes_of(project)
            if name in store.known
            if any(slot.project == project for slot in store.documents[name].slots)
        )
