"""`Queries`: every query's answer, from what is known now.

Long answers are made in slices between which others have their turns; no thread is involved.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, assert_never

from coordinator.errors import NotFound
from coordinator.ports import Answer
from coordinator.views.answers import KeptAnswers, Views, gathered
from coordinator.views.render import node_body
from coordinator.views.render_releases import noted_revision, revision_bodies, revision_body
from coordinator.views.render_volumes import inspected_body, volume_bodies
from coordinator.views.rollup import NodePicture, ProjectView
from coordinator.views.slices import Work, in_slices
from coordinator.views.volumes import VolumeView
from schemas.codec import encode_plain
from schemas.query import (
    AnyQuery,
    InspectService,
    InspectVolume,
    ListNodes,
    ListProjects,
    ListRevisions,
    ListServices,
    ListVolumes,
    ViewProject,
    ViewRevision,
    ViewRoutes,
)
from schemas.release import RevisionNote
from schemas.revision import RevisionRecord
from schemas.volume import BASE_DIRECTORY

_Known = (
    ListProjects
    | ViewProject
    | ListRevisions
    | ViewRoutes
    | ListServices
    | InspectService
    | ListVolumes
    | InspectVolume
    | ListNodes
)


class Queries:
    """The asking half of `coordinator.ports.Door`.

    Looking through every node and mount costs far more than most answers: `nodes` and
    `volume_views` are called only for those that are about them.
    """

    def __init__(
        self,
        views: Views,
        nodes: Callable[[], Sequence[NodePicture]],
        volume_views: Callable[[], Mapping[str, VolumeView]],
        revisions: Callable[[str, RevisionNote], Awaitable[RevisionRecord]],
        routing: Callable[[ProjectView], dict[str, Any]],
        *,
        default_domain: str = "",
        mount_base: str = BASE_DIRECTORY,
    ) -> None:
        self._views = views
        self._revisions = revisions
        self._routing = routing
        self._kept = KeptAnswers(views, default_domain=default_domain)
        self._nodes = nodes
        self._volume_views = volume_views
        self._mount_base = mount_base

    async def ask(self, query: AnyQuery) -> Answer:
        """The answer. Raises NotFound, and Transient for what only the bus has."""
        if isinstance(query, ViewRevision):
            view = self._project(query.name)
            note = noted_revision(view, query.number)
            body = revision_body(view, note, await self._revisions(query.name, note))
            return await in_slices(gathered((encode_plain(body),)))
        return await in_slices(self._answering(query))

    def _project(self, name: str) -> ProjectView:
        view = self._views().get(name)
        if view is None or view.record.is_gone:
            raise NotFound("project", name)
        return view

    def _answering(self, query: _Known) -> Work[Answer]:  # noqa: PLR0911  one for each query
        match query:
            case ListProjects():
                return self._kept.list_projects(query)
            case ViewProject():
                return self._kept.view_project(query)
            case ListRevisions():
                bodies = revision_bodies(self._project(query.name))
                return gathered(_array(b"[", bodies, b"]"))
            case ViewRoutes():
                body = self._routing(self._project(query.name))
                return gathered((encode_plain(body),))
            case ListServices():
                return self._kept.list_services(query)
            case InspectService():
                return self._kept.inspect_service(query)
            case ListNodes():
                by_name = sorted(self._nodes(), key=lambda node: node.name)
                return gathered(_array(b"[", map(node_body, by_name), b"]"))
            case ListVolumes():
                bodies = self._volume_bodies()
                return gathered(_array(b'{"Volumes":[', bodies, b"]}"))
            case InspectVolume():
                nodes, volumes = self._nodes(), self._volume_views()
                body = inspected_body(volumes, query.name, nodes, self._mount_base)
                return gathered((encode_plain(body),))
            case _:
                assert_never(query)

    def _volume_bodies(self) -> Iterator[dict[str, Any]]:
        nodes, volumes = self._nodes(), self._volume_views()
        return (
            body
            for view in volumes.values()
            for body in volume_bodies(view, nodes, self._mount_base)
        )


def _array(opening: bytes, bodies: Iterable[Any], closing: bytes) -> Iterator[bytes]:
    separator = opening
    for body in bodies:
        yield separator + encode_plain(body)
        separator = b","
    yield closing if separator == b"," else opening + closing
