"""What must hold whatever happens: commands, passes, agents, faults in any interleaving.

The promises that hold at every moment are asserted by `Cluster`, most of them at every write:

- no slot is commanded to run on two nodes that are believed;
- what is started finds its dependencies running;
- containers of unknown projects are in no document;
- generations and epochs only grow.

At the end the faults stop, and everything must become what was wanted last, and stay so.
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coordinator.commands.catalogue import Decision, apply, create
from coordinator.commands.operations import Moment
from coordinator.commands.releasing import confirm, next_revision, roll_back, update
from coordinator.errors import Conflict, NotFound
from coordinator.releases.groups import SlotGroup, slot_groups
from coordinator.store.placements import NOWHERE
from coordinator.views.releases import slots_of
from schemas.command import (
    ConfirmUpdate,
    CreateProject,
    RollbackUpdate,
    UpdateProject,
)
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.revision import RevisionRecord
from schemas.states import State
from schemas.template import ProjectTemplate
from tests.builders import TIME
from tests.releases import ORDERS
from tests.unit.coordinator.agents import Agent, ended
from tests.unit.coordinator.cluster import STRANGER, Cluster
from tests.unit.coordinator.histories import AGENTS, ANY, COMMANDS, SIZE, TEMPLATE, made


class AnyHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster(SIZE)
        self.moments = 0
        self.create()

    def moment(self) -> Moment:
        self.moments += 1
        return Moment(now="2026-11-23T13:00:00Z", operation_id=f"op-{self.moments}")

    def agent(self, number: int) -> Agent:
        return self.cluster.agents[number]

    @invariant()
    def no_slot_is_commanded_twice(self) -> None:
        self.cluster.check_commands()

    @rule()
    def create(self) -> None:
        command = CreateProject(**ANY, template="")
        held = self.cluster.projects.get("shop")
        if held is None or held.is_gone:
            self.cluster.decide(create(held, command, TEMPLATE, self.moment()))

    @rule(command=COMMANDS)
    def command(self, command: Any) -> None:
        held = self.cluster.projects.get("shop")
        runs = any(key.project == "shop" for key in self.cluster.running())
        try:
            decision = apply(held, command, self.moment(), running=runs)
        except (Conflict, NotFound):
            return
        self.cluster.decide(decision)

    @rule(
        template=st.builds(
            made, image=st.integers(1, 3), api=ORDERS, web=st.sampled_from([True, True, False])
        ),
        method=st.sampled_from(["", "blue-green"]),
    )
    def update(self, template: ProjectTemplate, method: str) -> None:
        held = self.cluster.projects["shop"]
        if held.desired_state is State.DELETED or held.release is not None:
            return
        number = next_revision(held)
        command = UpdateProject.model_validate(
            {**ANY, "template": "", "version": f"{number}.0", "update_method": method}
        )
        revision = RevisionRecord(
            project="shop", number=number, version=command.version, template="", created=TIME
        )
        moment = self.moment()
        self.cluster.do_pass()
        self.cluster.decide(Decision(*update(held, command, template, revision, moment)))
        self.cluster.do_pass()

    @rule(verb=st.sampled_from(["confirm", "back"]))
    def decide_about_the_release(self, verb: str) -> None:
        held = self.cluster.projects["shop"]
        if held.desired_state is State.DELETED:
            return
        slots = slots_of(held, self.cluster.store.placements.get("shop", NOWHERE))
        moment = self.moment()
        try:
            if verb == "confirm":
                decided = confirm(held, ConfirmUpdate.model_validate(ANY), moment, slots)
            else:
                decided = roll_back(held, RollbackUpdate.model_validate(ANY), moment, slots)
        except Conflict:
            return
        self.cluster.decide(Decision(*decided))

    @rule(is_late=st.sampled_from([False, False, False, True]))
    def go_on(self, is_late: bool) -> None:
        """A step of the release, without news of any node before or after it."""
        self.cluster.do_pass()
        if self.cluster.go_on(is_late=is_late):
            self.cluster.do_pass()

    @rule(frozen=st.booleans())
    def do_pass(self, frozen: bool) -> None:
        self.cluster.do_pass(frozen=frozen)

    @rule(writes=st.integers(0, SIZE))
    def die_in_a_pass(self, writes: int) -> None:
        self.cluster.do_pass(dies_after=writes)

    @rule()
    def restart_coordinator(self) -> None:
        self.cluster.restart_coordinator()

    @rule(number=AGENTS)
    def cut_off(self, number: int) -> None:
        self.agent(number).is_cut_off = True

    @rule(number=AGENTS)
    def come_back(self, number: int) -> None:
        self.agent(number).is_cut_off = False

    @rule(number=AGENTS)
    def reboot(self, number: int) -> None:
        agent = self.agent(number)
        agent.containers = {key: ended(each, 137) for key, each in agent.containers.items()}

    @rule()
    def judge(self) -> None:
        self.cluster.judge()

    @rule(number=AGENTS)
    def read(self, number: int) -> None:
        self.cluster.read(self.agent(number))

    @rule(number=AGENTS, share=st.integers(0, 9))
    def act(self, number: int, share: int) -> None:
        agent = self.agent(number)
        for entry in agent.held.slots[share::2]:
            agent.act(entry)

    @rule(number=AGENTS)
    def report(self, number: int) -> None:
        self.cluster.report(self.agent(number))

    @rule(number=AGENTS)
    def deliver(self, number: int) -> None:
        self.cluster.deliver(self.agent(number))

    @rule(number=AGENTS)
    def crash(self, number: int) -> None:
        agent = self.agent(number)
        ours = sorted(key for key in agent.containers if key.project != STRANGER)
        for key in ours[:1]:
            agent.containers[key] = ended(agent.containers[key], 1)

    @precondition(lambda self: self.moments % 3 == 0)
    @rule()
    def a_quiet_while(self) -> None:
        """Long histories need calm as well, or they never get beyond their first steps."""
        self.cluster.heal()
        self.cluster.run_until_quiet()

    def teardown(self) -> None:
        self.cluster.heal()
        self.cluster.run_until_quiet()
        self.decide_about_the_release("confirm")
        self.cluster.run_until_quiet()
        self.decide_about_the_release("back")
        self.cluster.run_until_quiet()
        assert self.cluster.projects["shop"].release is None
        self.everything_is_as_wanted()
        self.cluster.restart_coordinator()
        self.cluster.heal()
        assert not self.cluster.do_pass(), "what has converged must stay as it is"

    def everything_is_as_wanted(self) -> None:
        project = self.cluster.projects["shop"]
        running = self.cluster.running()
        strangers = [
            key
            for agent in self.cluster.agents
            for key in agent.containers
            if key.project == STRANGER
        ]
        assert len(strangers) == SIZE
        assert all(len(nodes) == 1 for nodes in running.values())
        ours = {
            key: each
            for agent in self.cluster.agents
            for key, each in agent.containers.items()
            if key.project != STRANGER
        }
        if project.desired_state is State.DELETED:
            assert project.is_gone
            assert not ours
            return
        wanted: dict[SlotKey, SlotGroup] = {}
        for group in slot_groups(project):
            if group.record.desired_state is State.RUNNING:
                count = SIZE if group.record.template.is_global else group.record.scale
                wanted |= {
                    SlotKey(*group.key[:2], n, group.key.set_name): group
                    for n in range(1, count + 1)
                }
        assert running.keys() == wanted.keys()
        for key, group in wanted.items():
            assert ours[key].fingerprint == fingerprint(group.spec)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
