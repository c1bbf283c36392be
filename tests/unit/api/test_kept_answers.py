"""Answers are rendered once for each view, and put together from what is kept."""

from dataclasses import replace

import pytest

from coordinator.views.answers import LISTS_KEPT_MAX, KeptAnswers
from coordinator.views.render import project_frame, service_pieces
from schemas.query import InspectService, ListProjects, ListServices, ViewProject
from schemas.states import State
from tests.fakes.answers import finished, parsed
from tests.fakes.pictures import a_container, a_project, a_service

EVERY_QUERY = (
    ListProjects(),
    ListProjects(containers=False),
    ListProjects(services=False),
    ListServices(),
    ListServices(containers=False),
    ViewProject(name="a"),
    InspectService(service_id="a_db"),
)


class Projects:
    """Projects, and the answers that are kept of them."""

    def __init__(self, *names):
        self.views = {name: a_project(name, a_service("db"), a_service("web")) for name in names}
        self.kept = KeptAnswers(lambda: self.views)

    def ask(self, query):
        return finished(self.begin(query))

    def begin(self, query):
        match query:
            case ListProjects():
                return self.kept.list_projects(query)
            case ListServices():
                return self.kept.list_services(query)
            case ViewProject():
                return self.kept.view_project(query)
            case _:
                return self.kept.inspect_service(query)

    def change(self, name):
        self.views[name] = replace(self.views[name], current_state=State.STARTING)


@pytest.fixture
def rendered(monkeypatch):
    """What is rendered: projects by name, services by id, in their order."""
    seen = []

    def seen_frame(view, default_domain):
        seen.append(view.record.name)
        return project_frame(view, default_domain)

    def seen_pieces(view, name, with_containers):
        seen.append(f"{view.record.name}_{name}")
        return service_pieces(view, name, with_containers)

    monkeypatch.setattr("coordinator.views.answers.project_frame", seen_frame)
    monkeypatch.setattr("coordinator.views.answers.service_pieces", seen_pieces)
    return seen


def test_a_view_is_rendered_once_whatever_is_asked(rendered):
    projects = Projects("a", "b")
    projects.ask(ListProjects())
    assert sorted(rendered) == ["a", "a_db", "a_web", "b", "b_db", "b_web"]
    rendered.clear()
    for query in (ListProjects(), ListProjects(q="a"), ListServices(), ViewProject(name="b")):
        projects.ask(query)
    assert rendered == []


def test_only_what_was_replaced_is_rendered_anew(rendered):
    projects = Projects("a", "b")
    before = projects.ask(ListProjects())
    rendered.clear()
    projects.change("b")
    after = projects.ask(ListProjects())
    assert sorted(rendered) == ["b", "b_db", "b_web"]
    assert [each["current_state"] for each in parsed(after)] == ["running", "starting"]
    assert after.tag != before.tag


@pytest.mark.parametrize("query", [ListProjects(), ViewProject(name="a")])
def test_what_changes_between_two_questions_is_shown(query):
    projects = Projects("a")
    projects.ask(query)
    projects.ask(ListProjects())
    projects.change("a")
    assert b'"current_state":"starting"' in b"".join(projects.ask(query).pieces)


def test_a_filter_renders_nothing_that_it_drops(rendered):
    projects = Projects("a", "b")
    projects.ask(ListServices(q="web"))
    assert rendered == ["a_web", "b_web"]
    rendered.clear()
    projects.ask(ListProjects(q="b", containers=False))
    assert sorted(rendered) == ["b", "b_db", "b_web"]


def test_without_services_none_is_rendered(rendered):
    Projects("a").ask(ListProjects(services=False))
    assert rendered == ["a"]


def test_projects_are_in_the_order_of_their_names_and_services_of_their_ids():
    projects = Projects("b", "a", "a-b", "B")
    names = [each["name"] for each in parsed(projects.ask(ListProjects()))]
    assert names == ["B", "a", "a-b", "b"]
    ids = [each["id"] for each in parsed(projects.ask(ListServices()))]
    assert ids == sorted(ids)
    assert len(ids) == 8


@pytest.mark.parametrize("query", EVERY_QUERY, ids=repr)
def test_the_tag_is_the_same_wherever_the_body_is(query):
    first, second = Projects("a", "b"), Projects("b", "a")
    second.ask(ListServices())
    assert first.ask(query).tag == second.ask(query).tag
    assert first.ask(query).tag == first.ask(query).tag


@pytest.mark.parametrize("query", EVERY_QUERY, ids=repr)
def test_another_body_has_another_tag(query):
    projects = Projects("a", "b")
    before = projects.ask(query)
    service = a_service("db", scale=7)
    projects.views["a"] = a_project("a", service, a_service("web"), version="2.0")
    after = projects.ask(query)
    assert parsed(before) != parsed(after)
    assert before.tag != after.tag


@pytest.mark.parametrize("query", EVERY_QUERY, ids=repr)
def test_the_size_is_that_of_the_pieces(query):
    answer = Projects("a", "b").ask(query)
    assert answer.size == sum(map(len, answer.pieces))


def test_a_list_goes_on_with_the_views_of_its_beginning():
    projects = Projects("a", "b")
    listing = projects.begin(ListProjects())
    next(listing)
    projects.change("b")
    del projects.views["a"]
    other = projects.ask(ListProjects())
    assert [each["current_state"] for each in parsed(finished(listing))] == ["running", "running"]
    assert projects.ask(ListProjects()).tag == other.tag
    assert [each["name"] for each in parsed(other)] == ["b"]


def test_what_is_gone_is_kept_no_longer():
    projects = Projects("a", "b")
    projects.ask(ListProjects())
    del projects.views["a"]
    projects.views["b"] = a_project("b", is_gone=True)
    assert parsed(projects.ask(ListProjects())) == []
    assert projects.kept._projects == {}


def test_of_lists_only_so_many_are_kept():
    projects = Projects("a")
    for number in range(LISTS_KEPT_MAX + 5):
        projects.ask(ListProjects(q=f"{number}"))
    assert projects.kept._newest is not None
    assert len(projects.kept._newest.lists) == LISTS_KEPT_MAX


def test_a_service_of_many_containers_is_rendered_in_many_steps():
    containers = tuple(a_container(id=f"{number:064x}") for number in range(1000))
    view = a_project("a", a_service("db", containers=containers))
    kept = KeptAnswers(lambda: {"a": view})
    work, steps = kept.inspect_service(InspectService(service_id="a_db")), 0
    while True:
        try:
            next(work)
        except StopIteration as done:
            shown = parsed(done.value)["containers"]
            break
        steps += 1
    assert steps >= 10
    assert list(shown) == [each.current.id for each in containers]


def test_of_two_containers_with_one_id_the_last_is_shown():
    twice = (a_container(name="first"), a_container(name="last"))
    view = a_project("a", a_service("db", containers=twice))
    kept = KeptAnswers(lambda: {"a": view})
    shown = parsed(finished(kept.inspect_service(InspectService(service_id="a_db"))))
    assert [each["name"] for each in shown["containers"].values()] == ["/last"]
