"""What must hold whatever happens, also while the project goes through releases.

Beside what `AnyHistory` promises: no slot of two sets is the same, every release ends or waits for
somebody, and what then runs is what the record says.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from coordinator.commands import releasing
from coordinator.errors import Conflict
from coordinator.store.placements import NOWHERE
from coordinator.views.releases import slots_of
from schemas.command import ConfirmUpdate, RollbackUpdate, UpdateProject
from schemas.release import ReleaseState
from schemas.revision import RevisionRecord
from schemas.states import State
from schemas.template import ProjectTemplate, UpdatePolicy
from tests.builders import TIME, a_service
from tests.unit.coordinator.test_assignments_properties import ANY, AnyHistory

#: where a release waits for somebody
AT_REST = {
    ReleaseState.AWAITING_CONFIRMATION,
    ReleaseState.PAUSED,
    ReleaseState.PULL_FAILED,
    ReleaseState.ROLLBACK_PAUSED,
}
POLICIES = st.builds(
    UpdatePolicy,
    parallelism=st.integers(0, 2),
    order=st.sampled_from(["stop-first", "start-first"]),
    failure_action=st.sampled_from(["pause", "rollback"]),
)


@st.composite
def templates(draw: st.DrawFn) -> ProjectTemplate:
    """The project's services, some of them others, some gone, one of them new."""
    services = [
        a_service("db", reschedule=True),
        a_service("api", after=["db"], scale=draw(st.integers(0, 3))),
        a_service("web", after=["api"], reschedule=True),
        a_service("log", is_global=True),
        a_service("new", after=["web"]),
    ]
    chosen = []
    for service in services:
        template = service.template
        image = draw(st.sampled_from(["", "i:2", "i:3"]))
        if image:
            spec = template.spec.model_copy(update={"image": image})
            template = template.model_copy(update={"spec": spec})
        policy = UpdatePolicy() if template.is_global else draw(POLICIES)
        chosen.append(template.model_copy(update={"update": policy, "rollback": policy}))
    # What others depend on stays.
    left_out = {draw(st.sampled_from(["", "log", "new"]))}
    return ProjectTemplate(services=tuple(t for t in chosen if t.name not in left_out))


class AnyReleases(AnyHistory):
    @rule(template=templates(), method=st.sampled_from(["", "blue-green"]))
    def update(self, template: ProjectTemplate, method: str) -> None:
        held = self.cluster.projects["shop"]
        if held.desired_state is State.DELETED or held.release is not None:
            return
        number = releasing.next_revision(held)
        command = UpdateProject.model_validate(
            {**ANY, "template": "", "version": f"{number}.0", "update_method": method}
        )
        revision = RevisionRecord(
            project="shop", number=number, version=f"{number}.0", template="", created=TIME
        )
        record, _ = releasing.update(held, command, template, revision, self.moment())
        self.cluster.projects["shop"] = record

    @rule()
    def confirm(self) -> None:
        self._say(ConfirmUpdate.model_validate(ANY))

    @rule()
    def roll_back(self) -> None:
        self._say(RollbackUpdate.model_validate(ANY))

    def _say(self, command: ConfirmUpdate | RollbackUpdate) -> None:
        held = self.cluster.projects["shop"]
        if held.desired_state is State.DELETED:
            return
        slots = slots_of(held, self.cluster.store.placements.get("shop", NOWHERE))
        try:
            if isinstance(command, ConfirmUpdate):
                record, _ = releasing.confirm(held, command, self.moment(), slots)
            else:
                record, _ = releasing.roll_back(held, command, self.moment(), slots)
        except Conflict:
            return
        self.cluster.projects["shop"] = record

    @rule(is_late=st.booleans())
    def go_on(self, is_late: bool) -> None:
        self.cluster.go_on(is_late=is_late)

    def everything_is_as_wanted(self) -> None:
        release = self.cluster.projects["shop"].release
        is_deleted = self.cluster.projects["shop"].desired_state is State.DELETED
        assert is_deleted or release is None or release.state in AT_REST
        super().everything_is_as_wanted()


TestAnyReleases = AnyReleases.TestCase
TestAnyReleases.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
