"""`Routing`: keeps every project's routes document true, and knows which routers have applied it.

`coordinator.releases.routes` decides what a document says. Reads: the store, views, KV `routers`.
Writes: KV `routes`.
"""

from collections.abc import Iterable, Mapping

import structlog

from coordinator.clock import Clock
from coordinator.ports import Bucket
from coordinator.releases.groups import SlotGroup
from coordinator.releases.networks import every_service
from coordinator.releases.routes import (
    Claim,
    RoutedContainer,
    claims_of,
    owners_of_claims,
    routes_of,
)
from coordinator.releases.sensing import ROUTERS_LOOK_S
from coordinator.store.store import Store
from coordinator.views.projects import ProjectViews
from coordinator.views.rollup import ProjectView
from coordinator.views.sightings import ContainerView
from schemas.codec import decode
from schemas.errors import InvalidInput
from schemas.records import ProjectRecord
from schemas.routing import RouterCurrent
from schemas.states import Health

log = structlog.get_logger()

#: documents that are written in one pass
AT_ONCE = 50


class Routing:
    """Follows the projects that have routes."""

    def __init__(
        self,
        store: Store,
        views: ProjectViews,
        routers: Bucket,
        clock: Clock,
        *,
        default_domain: str = "",
    ) -> None:
        self._store = store
        self._views = views
        self._routers = routers
        self._clock = clock
        self._default_domain = default_domain
        self._claims: dict[str, frozenset[Claim]] = {}
        self._owners: Mapping[Claim, str] = {}
        #: project -> the view that its document was made of
        self._made_of: dict[str, ProjectView] = {}
        self._looked_at = 0.0
        #: whose templates have routes
        self._routed: set[str] = set()
        store.projects.observe(self._hear)

    async def follow(self) -> bool:
        """Write the documents that must change, so many at most; whether that was all.

        Raises Transient; what was written stays true.
        """
        names = {*self._routed, *self._claims, *self._store.routes}
        views = {name: view for name in names if (view := self._views.of(name))}
        self._claim(views)
        changed = [
            name
            for name in sorted({*self._claims, *self._store.routes})
            if self._made_of.get(name) is not views.get(name) or name not in views
        ]
        for name in changed[:AT_ONCE]:
            await self._write(name, views.get(name))
        await self._look()
        return len(changed) <= AT_ONCE

    def is_routed(self, project: str) -> bool:
        """Whether all routers that there are go by what the project's record says."""
        view = self._views.of(project)
        if view is None or (project not in self._claims and project not in self._store.routes):
            return view is not None
        if self._made_of.get(project) is not view:
            return False
        held = self._store.routes.get(project)
        if held is None:
            return True
        return all(
            router.applied.get(project, 0) >= held.generation
            for router in self._store.routers.values()
        )

    def _hear(self, name: str, _before: ProjectRecord | None, record: ProjectRecord | None) -> None:
        if record and any(service.template.routes for service in every_service(record)):
            self._routed.add(name)
        else:
            self._routed.discard(name)

    def _claim(self, views: Mapping[str, ProjectView]) -> None:
        """Note what projects claim. What one has anew, another one may lose."""
        claims = dict(self._claims)
        for name in [each for each in claims if each not in views]:
            del claims[name]
        for name, view in views.items():
            if self._made_of.get(name) is view:
                continue
            found = claims_of(_groups(view), self._default_domain)
            if found:
                claims[name] = found
            else:
                claims.pop(name, None)
        if claims == self._claims:
            return
        self._claims = claims
        owners = owners_of_claims(claims)
        if owners != self._owners:
            self._owners = owners
            for name in claims:
                self._made_of.pop(name, None)

    async def _write(self, name: str, view: ProjectView | None) -> None:
        table = self._store.routes
        held = table.get(name)
        if view is not None and view.record_state:
            # What is in doubt stays as it is, and so do its routes.
            self._made_of[name] = view
            return
        wanted = None
        if view is not None:
            wanted = routes_of(
                *(view.record, _groups(view), routed_containers(view)),
                generation=held.generation if held else 1,
                default_domain=self._default_domain,
                owners=self._owners,
            )
        if wanted is None:
            if held is not None:
                await table.delete(name)
        elif wanted != held:
            newest = max(
                (each.applied.get(name, 0) for each in self._store.routers.values()), default=0
            )
            # A router may remember more than a bucket that was lost.
            number = max(held.generation if held else 0, newest) + 1
            await table.put(name, wanted.model_copy(update={"generation": number}))
        if view is None:
            self._made_of.pop(name, None)
        else:
            self._made_of[name] = view

    async def _look(self) -> None:
        """Read what routers have applied, as often as somebody may wait for it."""
        now = self._clock.monotonic()
        if now - self._looked_at >= ROUTERS_LOOK_S and self._store.routes:
            self._looked_at = now
            await self.read_routers()

    async def read_routers(self) -> None:
        """Read which routers there are. Raises Transient."""
        found: dict[str, RouterCurrent] = {}
        for key, (payload, _) in (await self._routers.snapshot()).items():
            try:
                current = decode(RouterCurrent, payload)
            except InvalidInput as error:
                log.warning("what a router says can't be read", router=key, error=str(error))
                continue
            found[key] = current
        self._store.routers.replace(found)


def _groups(view: ProjectView) -> Iterable[SlotGroup]:
    return [group for alike in view.groups.values() for group in alike]


def routed_containers(view: ProjectView) -> Iterable[RoutedContainer]:
    """The containers of the project's current and next sets, as routes see them."""
    both = (*view.current.values(), *view.next.values())
    return [_routed(each) for service in both for each in service.containers]


def _routed(container: ContainerView) -> RoutedContainer:
    current = container.current
    is_well = current.health in {Health.NONE, Health.SUCCESS}
    is_in_place = container.runs and not container.is_leftover and not current.stopping
    return RoutedContainer(
        id=current.id,
        service=current.service,
        set_name=current.set_name,
        slot=current.slot,
        version=current.version,
        node=container.node,
        address=container.address,
        ip=current.ip,
        ports=current.ports,
        is_healthy=is_well and is_in_place and current.status == "running",
    )
