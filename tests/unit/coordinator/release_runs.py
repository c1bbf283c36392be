"""Random projects, updates of them, and runs of these: record after record, by the table alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st

from coordinator.releases.rollouts import is_backwards
from coordinator.releases.sensing import Batch, Pulls, Seen, sense
from coordinator.releases.steps import Happening, is_possible, step
from coordinator.releases.table import Signal
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind, ReleaseState, ServiceRecord
from schemas.template import ServiceTemplate, UpdatePolicy
from tests.builders import TIME, a_project, a_service
from tests.releases import KINDS, ORDERS, an_update

NAMES = ("a", "b", "c", "d")
#: indices of the nodes that global services are on
NODES = (1, 2, 5)
#: longer than anything that a release waits for
LONG_S = 1000.0
#: more than the batches of four services of five slots, there and back
STEPS_MAX = 60

_POLICIES = st.builds(
    lambda size, order, action: UpdatePolicy.model_validate(
        {"parallelism": size, "order": order, "failure_action": action}
    ),
    st.integers(0, 3),
    ORDERS,
    st.sampled_from(["pause", "continue", "rollback"]),
)


@st.composite
def services(draw: st.DrawFn, name: str, image: int) -> ServiceRecord:
    """Of an image; it depends on some that come before it by name."""
    before = [each for each in NAMES if each < name]
    made = a_service(
        name,
        scale=draw(st.integers(0, 5)),
        after=draw(st.lists(st.sampled_from(before), max_size=1)) if before else (),
        is_global=draw(st.sampled_from([False, False, False, True])),
        image=f"{name}:{image}",
    )
    policies = {"update": draw(_POLICIES), "rollback": draw(_POLICIES)}
    template = made.template.model_copy(update=policies)
    return made.model_copy(update={"template": template})


@st.composite
def updates(draw: st.DrawFn, kinds: st.SearchStrategy[ReleaseKind] = KINDS) -> ProjectRecord:
    """A project at the beginning of its release: some services are new, gone, shared or changed."""
    names = st.sets(st.sampled_from(NAMES), min_size=1).map(sorted)
    project = a_project(*(draw(services(name, 1)) for name in draw(names)))
    made: list[ServiceTemplate] = []
    for name in draw(names):
        template = draw(services(name, draw(st.sampled_from([1, 2, 2])))).template
        made.append(_with_what_there_is(template, names_of=made))
    return an_update(project, made, draw(kinds))


def _with_what_there_is(
    template: ServiceTemplate, *, names_of: Sequence[ServiceTemplate]
) -> ServiceTemplate:
    """Templates name only what they have."""
    known = {each.name for each in names_of}
    kept = tuple(name for name in template.depends_on if name in known)
    return template.model_copy(update={"depends_on": kept})


def slots_of(project: ProjectRecord, name: str) -> Sequence[int]:
    """The numbers of a service's slots, as its nodes have them."""
    target = project.release.target.services if project.release else {}
    of = [each for each in (project.services.get(name), target.get(name)) if each]
    if any(each.template.is_global for each in of):
        return NODES
    return range(1, max((each.scale for each in of), default=0) + 1)


def all_well(project: ProjectRecord) -> Seen:
    """Everything that has gone over is up, and has been for long."""
    release = project.release
    assert release is not None
    up = Batch(total=5, up=5, up_for_s=LONG_S)
    return Seen(pulls=Pulls.READY, batches=dict.fromkeys(release.rollouts, up), is_routed=True)


def signalled(project: ProjectRecord, signal: Signal, **happening: Any) -> ProjectRecord:
    return step(project, signal, Happening(TIME, **happening), partial(slots_of, project))


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """What has become of a record, and of what signal."""

    before: ProjectRecord
    signal: Signal
    after: ProjectRecord

    def __repr__(self) -> str:
        """Without all that the records say: whole ones are more than a report can hold."""
        release = self.after.release
        return f"{self.signal} -> {(release.state, release.rollouts) if release else 'the end'}"

    @property
    def is_back(self) -> bool:
        release = self.after.release
        return release is not None and is_backwards(release)


def by_itself(project: ProjectRecord) -> Iterator[Step]:
    """Every step that it takes while all is well, until it ends or waits for somebody."""
    for _ in range(STEPS_MAX):
        if project.release is None:
            return
        found = sense(project, project.release, all_well(project))
        if found.signal is None:
            return
        then = signalled(project, found.signal, up=found.up)
        yield Step(project, found.signal, then)
        project = then
    raise AssertionError("it finds no end")


def to_the_end(project: ProjectRecord, decisions: Iterator[Signal]) -> Iterator[Step]:
    """Steps until it has ended. Where it waits, the next decision that is possible is made."""
    while True:
        for each in by_itself(project):
            yield each
            project = each.after
        release = project.release
        if release is None:
            return
        assert release.state in {ReleaseState.PAUSED, ReleaseState.AWAITING_CONFIRMATION}
        signal = next(each for each in decisions if is_possible(release, each))
        then = signalled(project, signal)
        yield Step(project, signal, then)
        project = then
