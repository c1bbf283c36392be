"""Carries out actions: dull on purpose, every choice was made by the plan.

Actions of a plan begin in its order as soon as everything they conflict with has ended, so
independent slots proceed side by side and a stop of a minute holds up nobody else. An action that
had to wait for one that failed is blocked. Reads: nothing. Writes: the engine.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import assert_never

import structlog

from agent.domain.actions import (
    Action,
    Addition,
    ConnectNetwork,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    DisconnectNetwork,
    PullImage,
    Removal,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    StopContainer,
)
from agent.domain.claims import claims
from agent.domain.outcomes import Blocked, Failed, Outcome, Succeeded
from agent.domain.plan import Plan
from agent.errors import Defect
from agent.ports import ContainerEngine
from schemas.errors import InvariantBroken, Permanent, Transient

log = structlog.get_logger()

#: More concurrent starts than about two a core make an engine slower, not faster.
STARTS_PER_CORE = 2
#: Pulls compete for the network; two keep a slow registry from holding up a fast one. Those for
#: later have turns of their own: a slot that waits for its image doesn't wait for them.
PULLS = 2


@dataclass(slots=True, eq=False)
class _Undertaking:
    """One action on its way from the plan to its outcome."""

    action: Action
    waits_for: list["_Undertaking"]
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    has_begun: bool = False
    began_at: float = 0.0
    outcome: Outcome | None = None
    #: of a container that it created
    container_id: str = ""
    task: asyncio.Task[None] | None = None


class _Turns:
    """How much the engine is given to do at once."""

    def __init__(self, cores: int) -> None:
        self.starting = asyncio.Semaphore(STARTS_PER_CORE * cores)
        self.removing = asyncio.Semaphore(STARTS_PER_CORE * cores)
        # Stops mostly wait. The bound only keeps a thousand of them from signalling at once.
        self.stopping = asyncio.Semaphore(64)


class Executor:
    """Turns plans into outcomes. Actions run on as tasks of `tasks` between passes."""

    def __init__(
        self,
        engine: ContainerEngine,
        tasks: asyncio.TaskGroup,
        on_ended: Callable[[], None],
        *,
        cores: int = os.cpu_count() or 1,
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._on_ended = on_ended
        self._open: list[_Undertaking] = []
        self._outcomes: list[Outcome] = []
        self._pulling = asyncio.Semaphore(PULLS)
        self._preparing = asyncio.Semaphore(PULLS)
        self._turns = _Turns(cores)
        # About containers with shared volumes: one file server may hold them all up.
        self._share_turns = _Turns(cores)

    @property
    def in_flight(self) -> frozenset[Action]:
        """Actions that were begun by `begin` and have not ended."""
        return frozenset(undertaking.action for undertaking in self._open)

    def collect(self) -> tuple[Outcome, ...]:
        """The outcomes since the last call."""
        outcomes, self._outcomes = tuple(self._outcomes), []
        return outcomes

    def withdraw(self) -> None:
        """Take back what has not reached the engine yet: something else is wanted now."""
        for undertaking in self._open:
            if not undertaking.has_begun and undertaking.task:
                undertaking.task.cancel()
        self._open = [undertaking for undertaking in self._open if undertaking.has_begun]

    def begin(self, plan: Plan) -> None:
        """Set out on every action of the plan. Returns at once."""
        holders: dict[str, list[_Undertaking]] = defaultdict(list)
        users: dict[str, list[_Undertaking]] = defaultdict(list)

        def claim(undertaking: _Undertaking) -> list[_Undertaking]:
            """Enter what it claims, and return those with conflicting claims before it."""
            mine = claims(undertaking.action)
            before = [other for name in mine.held for other in holders[name] + users[name]]
            before += [other for name in mine.used for other in holders[name]]
            for name in mine.held:
                holders[name].append(undertaking)
            for name in mine.used:
                users[name].append(undertaking)
            return before

        for undertaking in self._open:
            claim(undertaking)
        for action in plan.actions:
            undertaking = _Undertaking(action, [])
            before = claim(undertaking)
            undertaking.waits_for = [] if _overtakes(action, before) else before
            self._open.append(undertaking)
            undertaking.task = self._tasks.create_task(
                self._carry_out(undertaking), name=action.describe()
            )

    async def execute(self, plan: Plan) -> tuple[Outcome, ...]:
        """Begin, and wait for the end of all that is in flight."""
        self.begin(plan)
        while self._open:
            await self._open[0].ended.wait()
        return self.collect()

    async def _carry_out(self, undertaking: _Undertaking) -> None:
        outcome = await self._outcome(undertaking)
        _tell(outcome, monotonic() - undertaking.began_at)
        undertaking.outcome = outcome
        self._open.remove(undertaking)
        self._outcomes.append(outcome)
        undertaking.ended.set()
        self._on_ended()

    async def _outcome(self, undertaking: _Undertaking) -> Outcome:
        action = undertaking.action
        for earlier in undertaking.waits_for:
            await earlier.ended.wait()
            match earlier.outcome:
                case Failed() as failed:
                    return Blocked(action, failed)
                case Blocked(by=failed):
                    return Blocked(action, failed)
        async with self._turn(action):
            undertaking.has_begun, undertaking.began_at = True, monotonic()
            try:
                await self._act(undertaking)
            except (Transient, Permanent) as error:
                return Failed(action, error)
            except Exception as error:
                log.exception("a defect of the agent", action=action.describe())
                return Failed(action, Defect(error))
        return Succeeded(action)

    def _turn(self, action: Action) -> asyncio.Semaphore:
        turns = self._share_turns if _may_hang(action) else self._turns
        match action:
            case PullImage(is_ahead=is_ahead):
                return self._preparing if is_ahead else self._pulling
            case StopContainer():
                return turns.stopping
            case RemoveContainer() | DisconnectNetwork() | RemoveNetwork() | RemoveVolume():
                return turns.removing
            # Whoever needs a network or a volume is about to start.
            case CreateNetwork() | CreateVolume() | CreateContainer():
                return turns.starting
            case ConnectNetwork() | StartContainer():
                return turns.starting

    async def _act(self, undertaking: _Undertaking) -> None:
        if isinstance(undertaking.action, Removal):
            await self._remove(undertaking.action)
        else:
            await self._add(undertaking, undertaking.action)

    async def _remove(self, removal: Removal) -> None:
        engine = self._engine
        match removal:
            case StopContainer() as stop:
                await engine.stop(stop.container_id, signal=stop.signal, timeout_s=stop.timeout_s)
            case RemoveContainer() as remove:
                await engine.remove(remove.container_id, volumes=remove.with_volumes)
            case DisconnectNetwork(container_id=container_id, network=name):
                await engine.disconnect(container_id, name)
            case RemoveNetwork(name=name):
                await engine.remove_network(name)
            case RemoveVolume(name=name):
                await engine.remove_volume(name)
            case _:
                assert_never(removal)

    async def _add(self, undertaking: _Undertaking, addition: Addition) -> None:
        engine = self._engine
        match addition:
            case CreateNetwork(network=network):
                await engine.create_network(network)
            case CreateVolume(volume=volume):
                await engine.create_volume(volume)
            case PullImage(reference=reference):
                await engine.pull(reference)
            case CreateContainer(key=key, spec=spec, labels=labels):
                undertaking.container_id = await engine.create(str(key), spec, labels)
            case ConnectNetwork(container_id=container_id, attachment=attachment):
                await engine.connect(container_id or _created_before(undertaking), attachment)
            case StartContainer(container_id=container_id):
                await engine.start(container_id or _created_before(undertaking))
            case _:
                assert_never(addition)


def _may_hang(action: Action) -> bool:
    match action:
        case StopContainer(may_hang=may_hang) | RemoveContainer(may_hang=may_hang):
            return may_hang
        case StartContainer(is_sharing=is_sharing):
            return is_sharing
        case CreateContainer(labels=labels):
            return bool(labels.mounts)
        case _:
            return False


def _overtakes(action: Action, before: list[_Undertaking]) -> bool:
    """Whether it is a second stop of a container that is being stopped: it has to work now."""
    return isinstance(action, StopContainer) and any(
        isinstance(other.action, StopContainer) and other.action.container_id == action.container_id
        for other in before
    )


def _created_before(undertaking: _Undertaking) -> str:
    for earlier in undertaking.waits_for:
        if isinstance(earlier.action, CreateContainer) and earlier.container_id:
            return earlier.container_id
    raise InvariantBroken(f"{undertaking.action.describe()}: nothing was created before it")


def _tell(outcome: Outcome, took_s: float) -> None:
    what = outcome.action.describe()
    match outcome:
        case Succeeded():
            log.info("action succeeded", action=what, took_s=round(took_s, 3))
        case Failed(error=error):
            log.warning(
                "action failed", action=what, took_s=round(took_s, 3), error=error_chain(error)
            )
        case Blocked(by=by):
            log.info("action blocked", action=what, by=by.action.describe())


def error_chain(error: BaseException) -> str:
    """Every message of an error and its causes, outermost first."""
    messages = []
    cause: BaseException | None = error
    while cause is not None:
        messages.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__
    return "; because of ".join(messages)
