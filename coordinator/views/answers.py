"""`KeptAnswers`: what the API shows of projects and services, as bytes that are kept.

A view never changes, it is replaced whenever anything shown of its project has changed. So what
was rendered of a view stays right for as long as the view is the project's. What is kept is bounded
by what is there: each project's newest view, each of its services at most twice (with and without
containers), and a few lists, which only refer to these bytes. A list drops whatever it finds
replaced or gone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from operator import is_

from coordinator.errors import NotFound
from coordinator.ports import Answer
from coordinator.views.render import project_frame, service_pieces
from coordinator.views.rollup import ProjectView
from coordinator.views.slices import Work
from schemas.names import service_id, split_service_id
from schemas.query import InspectService, ListProjects, ListServices, ViewProject

#: lists of one moment; more differ only in filters that nobody repeats
LISTS_KEPT_MAX = 16
#: 96 bits: two bodies that a client could confuse will never meet
_TAG_BYTES = 12

#: every project's view, by name, in any order
Views = Callable[[], Mapping[str, ProjectView]]


class ProjectAnswers:
    """What is shown of one view, each variant rendered when it is first asked for."""

    # One for each project of a large cluster, made by the thousand when a coordinator starts.
    __slots__ = ("_default_domain", "_frame", "_kept", "view")

    def __init__(self, view: ProjectView, default_domain: str) -> None:
        self.view = view
        self._default_domain = default_domain
        self._frame: tuple[Answer, Answer] | None = None
        #: by service (None: the whole project) and variant
        self._kept: dict[tuple[str | None, bool, bool], Answer] = {}

    @property
    def name(self) -> str:
        return self.view.record.name

    def project(self, with_services: bool, with_containers: bool) -> Work[Answer]:
        """The whole project."""
        variant = None, with_services, with_services and with_containers
        answer = self._kept.get(variant)
        if answer is None:
            names = sorted(self.view.services) if with_services else ()
            services = yield from _all(self.service(name, with_containers) for name in names)
            if self._frame is None:
                head, tail = project_frame(self.view, self._default_domain)
                self._frame = whole((head,)), whole((tail,))
            before, after = self._frame
            answer = _composed((before, *_with_commas(services), after))
            self._kept[variant] = answer
        return answer

    def service(self, name: str, with_containers: bool) -> Work[Answer]:
        """One of the project's services."""
        variant = name, True, with_containers
        answer = self._kept.get(variant)
        if answer is None:
            answer = yield from gathered(service_pieces(self.view, name, with_containers))
            self._kept[variant] = answer
        return answer


@dataclass(frozen=True, slots=True)
class _Moment:
    """Every project at one moment, and the lists that were made of it."""

    views: tuple[ProjectView, ...]
    #: without those that are gone, by name
    projects: tuple[ProjectAnswers, ...]
    lists: dict[ListProjects | ListServices, Answer] = field(default_factory=dict)

    def keep(self, query: ListProjects | ListServices, answer: Answer) -> None:
        """Remember a list; the oldest gives way."""
        if len(self.lists) >= LISTS_KEPT_MAX:
            del self.lists[next(iter(self.lists))]
        self.lists[query] = answer


class KeptAnswers:
    """Answers queries about projects and services, each as work that can be interrupted.

    An interrupted list goes on with the views of its beginning.
    """

    def __init__(self, views: Views, *, default_domain: str = "") -> None:
        self._views = views
        self._default_domain = default_domain
        self._projects: dict[str, ProjectAnswers] = {}
        #: None when one of its projects was replaced since
        self._newest: _Moment | None = None

    def view_project(self, query: ViewProject) -> Work[Answer]:
        """One project. Raises NotFound."""
        project = self._present(query.name)
        if project is None:
            raise NotFound("project", query.name)
        return project.project(query.services, query.containers)

    def inspect_service(self, query: InspectService) -> Work[Answer]:
        """One service. Raises NotFound."""
        name, service = split_service_id(query.service_id) or ("", "")
        project = self._present(name)
        if project is None or service not in project.view.services:
            raise NotFound("service", query.service_id)
        return project.service(service, query.containers)

    def list_projects(self, query: ListProjects) -> Work[Answer]:
        """Projects with `q` in their name, by name."""
        moment = self._moment()
        answer = moment.lists.get(query)
        if answer is None:
            shown = yield from _all(
                project.project(query.services, query.containers)
                for project in moment.projects
                if query.q in project.name
            )
            answer = listed(shown)
            moment.keep(query, answer)
        return answer

    def list_services(self, query: ListServices) -> Work[Answer]:
        """Services with `q` in their name, by id."""
        moment = self._moment()
        answer = moment.lists.get(query)
        if answer is None:
            # `a-b_web` comes before `a_web`, although `a` comes before `a-b`.
            projects = sorted(moment.projects, key=lambda each: service_id(each.name, ""))
            shown = yield from _all(
                project.service(name, query.containers)
                for project in projects
                for name in sorted(project.view.services)
                if query.q in name
            )
            answer = listed(shown)
            moment.keep(query, answer)
        return answer

    def _present(self, name: str) -> ProjectAnswers | None:
        view = self._views().get(name)
        # One that is gone is only remembered for its commands.
        if view is None or view.record.is_gone:
            self._projects.pop(name, None)
            return None
        return self._of(name, view)

    def _of(self, name: str, view: ProjectView) -> ProjectAnswers:
        kept = self._projects.get(name)
        if kept is None or kept.view is not view:
            kept = self._projects[name] = ProjectAnswers(view, self._default_domain)
            self._newest = None
        return kept

    def _moment(self) -> _Moment:
        views = self._views()
        found = tuple(views[name] for name in sorted(views))
        newest = self._newest
        if newest and len(found) == len(newest.views) and all(map(is_, found, newest.views)):
            return newest
        projects = tuple(
            self._of(view.record.name, view) for view in found if not view.record.is_gone
        )
        self._projects = {each.name: each for each in projects}
        self._newest = moment = _Moment(found, projects)
        return moment


def _all(works: Iterable[Work[Answer]]) -> Work[list[Answer]]:
    """What each makes, interrupted after each."""
    made = []
    for work in works:
        made.append((yield from work))
        yield
    return made


def gathered(pieces: Iterable[bytes]) -> Work[Answer]:
    """One answer of pieces, interrupted after each."""
    found = []
    for piece in pieces:
        found.append(piece)
        yield
    return whole(found)


def whole(pieces: Iterable[bytes]) -> Answer:
    """An answer in one piece."""
    body = b"".join(pieces)
    return Answer((body,), _tag(body), len(body))


def listed(answers: Iterable[Answer]) -> Answer:
    """A JSON array of these, made of their own pieces."""
    return _composed((_OPENING, *_with_commas(answers), _CLOSING))


def _composed(parts: Iterable[Answer]) -> Answer:
    each = tuple(parts)
    return Answer(
        pieces=tuple(chain.from_iterable(part.pieces for part in each)),
        # Of the parts' tags, which say as much as their bytes and are shorter.
        tag=_tag("".join([part.tag for part in each]).encode()),
        size=sum([part.size for part in each]),
    )


def _with_commas(answers: Iterable[Answer]) -> Iterator[Answer]:
    for number, answer in enumerate(answers):
        if number:
            yield _COMMA
        yield answer


def _tag(content: bytes) -> str:
    return blake2b(content, digest_size=_TAG_BYTES).hexdigest()


_OPENING, _COMMA, _CLOSING = whole((b"[",)), whole((b",",)), whole((b"]",))
