"""The loop: wait for a wake, do one pass, wait again. Decides nothing about containers.

A pass looks and decides, and only begins actions: they end between passes and wake the next one.
So a stop of a minute delays no other project, and what happens meanwhile is seen and reported.
"""

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from agent.adapters.mount_keeper import MountKeeper
from agent.domain.actions import Action
from agent.domain.attempts import fold
from agent.domain.joins import fold_joining
from agent.domain.log_tails import last_runs, with_tails
from agent.domain.observation import Observation
from agent.domain.outcomes import Outcome
from agent.domain.plan import Plan, plan
from agent.domain.preparing import fold_preparing
from agent.domain.pulls import remember
from agent.domain.shares import unanswered
from agent.domain.slot_order import probes, references
from agent.executor import Executor
from agent.log_tails import LogTails
from agent.observer import Observer, Sight
from agent.orders import Orders
from agent.prober import Prober, Target
from agent.reporter import Reporter
from agent.wakes import Wake, Wakes
from schemas.desired import NodeDesired
from schemas.states import EngineState

log = structlog.get_logger()

#: Everything is looked at again this often, and up to twice as long on other nodes, so that a
#: thousand agents don't ask in one breath.
RESYNC_S = 30.0
#: Orders that can't be read, though the link stands, are read again this soon: a broker without a
#: leader needs some seconds, one without our bucket needs the coordinator.
READ_RETRY_S = 1.0
#: An engine that can't be read is tried again this soon.
BLIND_RETRY_S = 2.0
#: A busy node spends at most half its time looking at itself, and looks twice a second at least.
PAUSE_MAX_S = 0.5


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass found ended, what it began, and in how many seconds something becomes due."""

    outcomes: tuple[Outcome, ...]
    planned: Plan
    due_in_s: float | None


class Reconciler:
    """Brings the node to its orders, pass by pass."""

    def __init__(
        self,
        orders: Orders,
        observer: Observer,
        executor: Executor,
        prober: Prober,
        *,
        mounts: MountKeeper,
        reporter: Reporter,
        log_tails: LogTails,
    ) -> None:
        self._orders = orders
        self._observer = observer
        self._executor = executor
        self._prober = prober
        self._mounts = mounts
        self._reporter = reporter
        self._log_tails = log_tails
        #: what the last look and the outcomes before it came to
        self._folded = Observation(now=0.0, containers=None)
        self._last_shown = Observation(now=0.0, containers=())
        #: what the last pass saw and made of it; None: it did not get that far
        self._last: tuple[Sight, str, Plan] | None = None

    async def do_pass(self, reasons: frozenset[Wake]) -> PassResult:
        """Look, decide, report, begin."""
        # 1. One document for the whole pass. What has not begun for the old one never will.
        is_resync = Wake.RESYNC in reasons
        is_due = is_resync or Wake.HINT in reasons or self._orders.is_unread
        is_new = is_due and await self._orders.refresh()
        if is_new:
            self._executor.withdraw()
        desired = self._orders.held
        if desired is not None:
            await self._mounts.order(desired)
        if Wake.MOUNT in reasons:
            # What waits for an image or for its turn was planned on mounts as they were then.
            self._executor.withdraw()

        # 2. Look. What ends during the look is neither safely seen nor unseen: its slot waits for
        #    the pass that its end has just asked for.
        begun = self._executor.in_flight
        look = self._observer.recall if reasons == {Wake.HINT} else self._observer.observe
        sight = await look(references(desired) if desired else ())
        if reasons == {Wake.HINT} and not is_new and (stands := self._standing(sight)):
            return PassResult((), Plan(), _due_in_s(stands, sight))
        self._last = None
        outcomes = self._executor.collect()
        observed = self._observation(sight, begun | self._executor.in_flight)
        if desired is not None:
            await self._orders.remember(remember(desired, observed, outcomes))
            observed = replace(
                observed,
                attempts=fold(desired, observed, outcomes),
                joining=fold_joining(desired, observed, outcomes),
                preparing=fold_preparing(desired, observed, outcomes),
                pulled=self._orders.pulled,
            )
            self._folded = observed

        # 3. Decide.
        planned = plan(desired, observed) if desired is not None else Plan()

        # 4. Report what is before changing it: a killed container is visible before its repair.
        shown = self._shown(observed, desired)
        refusal = self._orders.refusal
        problems = with_tails(planned.problems, self._log_tails.results)
        told = replace(planned, problems=problems)
        self._reporter.report(
            sight.engine, desired, shown, told, refusal=refusal, is_resync=is_resync
        )

        # 5. Begin.
        if not planned.is_empty:
            log.info("plan", why=sorted(reasons), actions=len(planned.actions))
        self._executor.begin(planned)
        self._prober.watch(_targets(desired, shown))
        self._log_tails.watch(last_runs(planned.problems, observed))
        self._last = sight, refusal, planned
        due_in_s = _due_in_s(planned, sight)
        if self._orders.is_unread:
            due_in_s = min(due_in_s or READ_RETRY_S, READ_RETRY_S)
        return PassResult(outcomes, planned, due_in_s)

    def _standing(self, sight: Sight) -> Plan | None:
        """The last plan, if another pass on the same orders would only make it again."""
        if self._last is None or self._orders.is_unread:
            return None
        seen, refusal, planned = self._last
        is_due = planned.due_at is not None and planned.due_at <= sight.at
        is_same = replace(sight, at=seen.at) == seen and refusal == self._orders.refusal
        return planned if is_same and not is_due else None

    def _observation(self, sight: Sight, in_flight: frozenset[Action]) -> Observation:
        return Observation(
            now=sight.at,
            containers=sight.containers,
            networks=sight.networks,
            volumes=sight.volumes,
            images=sight.images,
            mounts=self._mounts.known,
            probes=self._prober.results,
            attempts=self._folded.attempts,
            joining=self._folded.joining,
            preparing=self._folded.preparing,
            pulled=self._orders.pulled,
            in_flight=in_flight,
        )

    def _shown(self, observed: Observation, desired: NodeDesired | None) -> Observation:
        """What to tell: parts that can't be read now are as they were seen last."""
        last = self._last_shown
        shown = replace(
            observed,
            containers=last.containers if observed.containers is None else observed.containers,
            volumes=last.volumes if observed.volumes is None else observed.volumes,
            mounts=unanswered(desired, last.mounts) if observed.mounts is None else observed.mounts,
        )
        self._last_shown = shown
        return shown


async def reconcile_forever(
    reconciler: Reconciler,
    wakes: Wakes,
    resync_s: float,
    on_pass: Callable[[float, PassResult], None],
) -> None:
    """Pass, wait. `on_pass` is told how many seconds each pass took."""
    now = asyncio.get_running_loop().time
    reasons = frozenset({Wake.HINT, Wake.RESYNC})
    resync_at = now() + resync_s
    while True:
        began_at = now()
        result = await reconciler.do_pass(reasons)
        took_s = now() - began_at
        on_pass(took_s, result)
        await wakes.pause(min(took_s, PAUSE_MAX_S))
        reasons = await wakes.collect(retry_in_s=result.due_in_s, resync_in_s=resync_at - now())
        if Wake.RESYNC in reasons:
            resync_at = now() + resync_s


def resync_period_s(node: str) -> float:
    """Between 30 and 60 s, always the same for one node."""
    return RESYNC_S * (1 + zlib.crc32(node.encode()) % 1000 / 1000)


def _targets(desired: NodeDesired | None, observed: Observation) -> list[Target]:
    """Containers that run, are wanted running, and have a probe."""
    if desired is None:
        return []
    wanted = probes(desired)
    return [
        Target(seen, probe)
        for seen in observed.containers or ()
        if seen.status == "running" and (probe := wanted.get(seen.key))
    ]


def _due_in_s(planned: Plan, sight: Sight) -> float | None:
    dues = [planned.due_at - sight.at] if planned.due_at is not None else []
    # A node whose engine is not ready gets nothing new, whatever it was that could not be read.
    if planned.is_blind or sight.engine.current.state is not EngineState.READY:
        dues.append(BLIND_RETRY_S)
    return min(dues, default=None)
