"""Projects on their way from one set of services to the next, in any state that the table has."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from coordinator.releases.groups import EVERY
from coordinator.releases.planning import Asked, planned
from coordinator.releases.rollouts import Change, changes_of
from coordinator.releases.steps import Happening, step
from coordinator.releases.table import ENDS, Signal, states_of
from schemas.current import PreparationCurrent
from schemas.desired import NodeDesired
from schemas.records import ProjectRecord
from schemas.release import Operation, ReleaseKind, ReleaseState, Rollout
from schemas.template import ProjectTemplate, ServiceTemplate, UpdatePolicy
from tests.builders import TIME

OPERATION = Operation(id="u", verb="project.update", started=TIME)
KINDS = st.sampled_from(ReleaseKind)
ORDERS = st.sampled_from(["stop-first", "start-first"])

POLICIES = st.builds(UpdatePolicy, parallelism=st.integers(0, 3), order=ORDERS)


def an_update(
    project: ProjectRecord,
    services: Iterable[ServiceTemplate],
    kind: ReleaseKind = ReleaseKind.STANDARD,
    *,
    revision: int = 2,
    latest_image: bool = False,
    **template: Any,
) -> ProjectRecord:
    """The project at the beginning of its release to these services."""
    asked = Asked(
        kind=kind,
        revision=revision,
        version=f"{revision}.0",
        text="",
        description="",
        environment={},
        latest_image=latest_image,
        now=TIME,
        operation=OPERATION,
    )
    made = ProjectTemplate(services=tuple(services), **template)
    return project.model_copy(update={"release": planned(project, made, asked)})


@st.composite
def anywhere(draw: st.DrawFn, project: ProjectRecord) -> ProjectRecord:
    """The same project in any state of its release, with any slots gone over."""
    release = project.release
    assert release is not None
    states = sorted(states_of(release.kind) - ENDS)
    changes = changes_of(project, release)
    rollouts = {name: draw(_rollouts(change)) for name, change in changes.items()}
    changed = {"state": draw(st.sampled_from(states)), "rollouts": rollouts}
    return project.model_copy(update={"release": release.model_copy(update=changed)})


@st.composite
def _rollouts(draw: st.DrawFn, change: Change) -> Rollout:
    slots = st.sampled_from([0, 1, 2, 3, EVERY])
    begun = min(draw(slots), change.last_new)
    if change.kind is ReleaseKind.BLUE_GREEN or change.old is None:
        return Rollout(begun=begun)
    if change.is_in_place:
        return Rollout(begun=begun, replaced=begun)
    return Rollout(begun=begun, replaced=min(draw(slots), begun))


def ended(project: ProjectRecord, *, completed: bool) -> ProjectRecord:
    """The project once its release is over, wherever it is now."""
    release = project.release
    assert release is not None
    signal = Signal.ALL_UP if release.kind is ReleaseKind.STANDARD else Signal.ROUTED
    before = ReleaseState.UPDATING
    if release.kind is ReleaseKind.BLUE_GREEN:
        before = ReleaseState.CONFIRMING
    if not completed:
        before = ReleaseState.ROLLING_BACK
    there = project.model_copy(update={"release": release.model_copy(update={"state": before})})
    return step(there, signal, Happening(now=TIME), lambda _: ())


def prepared(document: NodeDesired) -> tuple[PreparationCurrent, ...]:
    """What a node says that has every image which its document wants prepared."""
    found = {
        (slot.project, slot.service, slot.prepares.spec): PreparationCurrent(
            project=slot.project,
            service=slot.service,
            spec=slot.prepares.spec,
            version=slot.prepares.version,
            refresh=slot.prepares.refresh,
            image_id="sha256:1",
        )
        for slot in document.slots
        if slot.prepares is not None
    }
    return tuple(found.values())
