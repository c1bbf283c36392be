"""What one slot needs now: the rules for a container that is wanted running, stopped or absent.

`agent.domain.plan` puts the decisions of all slots in order. Nothing here looks beyond its slot.
"""

from dataclasses import replace

from agent.domain.actions import Action, CreateContainer, RemoveContainer, StopContainer
from agent.domain.backoff import exit_due, failure_due
from agent.domain.drift import Drift, Verdict, compare
from agent.domain.leaning import is_left_behind
from agent.domain.observation import SeenContainer
from agent.domain.problems import (
    crashed,
    failed,
    image_missing,
    lacking,
    unhealthy,
    unreadable,
)
from agent.domain.slot_view import Decision, SlotView, start, stop
from schemas.desired import PullPolicy
from schemas.service import Restart, ServiceSpec
from schemas.states import Health, Wanted

#: What waits for a mount is woken by it. This is for a wake that got lost.
LACK_LOOK_S = 30.0
#: A container for which the engine doesn't answer is asked about again this soon.
VAGUE_LOOK_S = 2.0
#: Nobody tells when an image is brought by hand.
IMAGE_LOOK_S = 30.0
#: what most slots need
_NOTHING = Decision()


def decide(view: SlotView) -> Decision:
    """Decide for one slot that no earlier action is at work on."""
    if view.slot.wanted is Wanted.RUNNING and any(seen.is_vague for seen in view.seen):
        # Whatever the engine doesn't answer for, it wouldn't change either.
        problem = lacking(view.slot, view.lack) if view.lack else unreadable(view.slot)
        return Decision(retry_at=view.now + VAGUE_LOOK_S, problem=problem)
    decision = _follow_rules(view)
    if decision.is_idle:
        return decision
    due = failure_due(view.attempts)
    is_brought = view.attempts.is_pull and not decision.image
    if due > view.now and not is_brought:
        return _until_due(view, decision, due)
    if view.attempts.failures:
        # The last failure stays visible until a try succeeds.
        return replace(decision, problem=failed(view.slot, view.attempts, view.now))
    return decision


def _until_due(view: SlotView, decision: Decision, due: float) -> Decision:
    """What the last failure leaves to do meanwhile."""
    problem = failed(view.slot, view.attempts, due)
    if not (view.attempts.is_pull and decision.image) or decision.creates:
        return Decision(retry_at=due, problem=problem)
    # The image fails, and not the container that serves until it is here: that one is looked after.
    retry_at = min(due, due if decision.retry_at is None else decision.retry_at)
    return replace(decision, image="", retry_at=retry_at, problem=problem)


def overtake(view: SlotView, in_flight: frozenset[Action]) -> Decision:
    """For a slot at which actions are at work: only a more urgent stop may overtake them."""
    problem = failed(view.slot, view.attempts, None) if view.attempts.failures else None
    if view.slot.wanted is Wanted.RUNNING:
        if problem is None and view.lack is not None:
            problem = lacking(view.slot, view.lack)
        return Decision(problem=problem)
    begun = [action for action in in_flight if isinstance(action, StopContainer)]
    stops = (stop(view, seen, "must stop sooner") for seen in view.seen if seen.is_running)
    return Decision(
        stops=tuple(
            stop
            for stop in stops
            if (same := [other for other in begun if other.container_id == stop.container_id])
            and all(stop.is_more_urgent_than(other) for other in same)
        ),
        problem=problem,
    )


def keep_one(view: SlotView) -> tuple[SeenContainer | None, tuple[SeenContainer, ...]]:
    """The container that the slot keeps, and those that must go.

    There should be at most one. Of several, an up-to-date one that runs longest is kept.
    """
    alive = [seen for seen in view.seen if seen.status not in {"dead", "removing"}]
    if not alive:
        return None, view.seen
    if len(view.seen) == 1:
        return alive[0], ()
    kept = min(
        alive,
        key=lambda seen: (
            _drift(view, seen).verdict is not Verdict.UP_TO_DATE,
            not seen.is_running,
            seen.started_at or seen.created_at,
            seen.id,
        ),
    )
    return kept, tuple(seen for seen in view.seen if seen is not kept)


def _follow_rules(view: SlotView) -> Decision:
    """Apply the rules as if nothing had ever failed."""
    match view.slot.wanted:
        case Wanted.RUNNING:
            if view.spec is None:
                return Decision(note=f"slot {view.key} has no spec in the document")
            return _unless_lacking(view, _wanted_running(view, view.spec))
        case Wanted.STOPPED:
            running = (seen for seen in view.seen if seen.is_running)
            return Decision(stops=tuple(stop(view, seen, "wanted stopped") for seen in running))
        case Wanted.ABSENT:
            return _discard(view, view.seen, "wanted absent", volumes=view.slot.remove_volumes)


def _wanted_running(view: SlotView, spec: ServiceSpec) -> Decision:
    kept, others = keep_one(view)
    if others:
        # What is kept is looked at once the others are gone: they may hold its name or ports.
        return _discard(view, others, "more than one container in the slot")
    if kept is None:
        return _create(view, spec, "missing")
    drift = _drift(view, kept)
    if drift.verdict is Verdict.NEEDS_RECREATE:
        return _recreate(view, spec, kept, drift.reason)
    decision = _keep(view, spec, kept)
    if not view.must_pull or kept.refresh >= view.slot.refresh:
        return decision
    # Whether it is replaced follows from the pull. Until then it serves.
    return Decision(image=spec.image) if decision.creates else replace(decision, image=spec.image)


def _keep(view: SlotView, spec: ServiceSpec, seen: SeenContainer) -> Decision:
    if seen.is_running:
        return _remount(view, spec, seen) or _tend(view, seen)
    again = _start_again(view, seen)
    return (again.starts and _remount(view, spec, seen)) or again


def _remount(view: SlotView, spec: ServiceSpec, seen: SeenContainer) -> Decision | None:
    """A container sees its volumes as they were mounted when it started; its label says which.

    Not for one that neither runs nor will: work that is done isn't done again for a new mount.
    """
    is_outdated = any(
        share.is_mounted
        and share.incarnation != seen.mounts.get(share.path)
        # What writes to a volume may put another directory there: that stops nobody.
        and not (share.sub_path and seen.is_running)
        for share in view.shares
    )
    return _recreate(view, spec, seen, "its volume was mounted anew") if is_outdated else None


def _unless_lacking(view: SlotView, decision: Decision) -> Decision:
    """Begin nothing on a shared volume that can't be used: its writes would land elsewhere.

    What runs is left alone, whatever is wrong with it: it can't be had back before the volume is.
    Only where the policy says so, it is stopped while its volume is stuck.
    """
    lack = view.lack
    if lack is None:
        return decision
    running = [seen for seen in view.seen if seen.is_running]
    must_stop = any(share.is_stuck and share.when_stuck == "stop" for share in view.shares)
    is_harmed = all(share.is_known for share in view.shares)
    if not running and decision.is_idle:
        # It is where it should be: done, or given up.
        return decision
    if running and decision.is_idle and not must_stop:
        return replace(decision, problem=lacking(view.slot, lack)) if is_harmed else decision
    return Decision(
        stops=tuple(stop(view, seen, lack.message) for seen in running if must_stop),
        retry_at=view.now + LACK_LOOK_S,
        problem=lacking(view.slot, lack),
    )


def _create(view: SlotView, spec: ServiceSpec, reason: str) -> Decision:
    due = exit_due(view.attempts)
    if due > view.now:
        return Decision(retry_at=due, problem=crashed(view.slot, view.attempts, due))
    if view.image_id is not None and view.must_pull:
        return Decision(image=spec.image)
    if view.image_id is None and view.slot.pull is PullPolicy.NEVER:
        return _without_image(view, spec)
    is_missing = view.image_id is None
    return Decision(
        image=spec.image if is_missing else "",
        creates=(CreateContainer(view.key, view.labels, spec, is_missing, reason),),
        starts=(start(view, "", reason),),
    )


def _without_image(view: SlotView, spec: ServiceSpec) -> Decision:
    problem = image_missing(view.slot, spec.image, view.node) if view.has_images else None
    return Decision(retry_at=view.now + IMAGE_LOOK_S, problem=problem)


def _recreate(view: SlotView, spec: ServiceSpec, seen: SeenContainer, reason: str) -> Decision:
    if view.image_id is None and view.slot.pull is PullPolicy.NEVER:
        return _without_image(view, spec)
    if view.image_id is None or view.must_pull:
        # The old container serves until the image is here: a pull that fails must cost nothing.
        return Decision(image=spec.image)
    created = _create(view, spec, reason)
    if created.is_idle:
        return created
    discarded = _discard(view, (seen,), reason)
    return replace(created, stops=discarded.stops, removes=discarded.removes)


def _discard(
    view: SlotView, seen: tuple[SeenContainer, ...], reason: str, *, volumes: bool = False
) -> Decision:
    return Decision(
        stops=tuple(stop(view, one, reason) for one in seen if one.is_running),
        removes=tuple(
            RemoveContainer(
                view.key, one.id, volumes, one.volumes, one.networks, reason, one.may_hang
            )
            for one in seen
        ),
    )


def _tend(view: SlotView, seen: SeenContainer) -> Decision:
    """Look after a container that runs: one that its HEALTHCHECK has given up is restarted."""
    if seen.status == "paused":
        return Decision(note=f"{view.key} was paused by hand; left so")
    if seen.health is not Health.FAILURE:
        return _NOTHING
    if not _may_start_again(view, failed=True):
        return Decision(problem=unhealthy(view.slot, view.attempts, None))
    due = exit_due(view.attempts)
    problem = unhealthy(view.slot, view.attempts, max(due, view.now))
    if due > view.now:
        return Decision(retry_at=due, problem=problem)
    reason = "its health check fails"
    return Decision(
        stops=(stop(view, seen, reason),),
        starts=(start(view, seen.id, reason),),
        problem=problem,
    )


def _start_again(view: SlotView, seen: SeenContainer) -> Decision:
    """Follow the restart policy of a container that ended by itself or by somebody's hand."""
    if seen.status == "created" and view.spec and view.spec.files:
        # Whoever made it may have died before its files were in. Making it again writes them.
        reason = "its files may be missing"
        return Decision(
            creates=(CreateContainer(view.key, view.labels, view.spec, reason=reason),),
            starts=(start(view, "", reason),),
        )
    if seen.status == "created" or _exit_was_asked(view, seen):
        return Decision(starts=(start(view, seen.id, "not running"),))
    has_failed = seen.exit_code != 0 or seen.oom_killed
    if not _may_start_again(view, failed=has_failed):
        return Decision(problem=crashed(view.slot, view.attempts, None) if has_failed else None)
    due = exit_due(view.attempts)
    if due > view.now:
        return Decision(retry_at=due, problem=crashed(view.slot, view.attempts, due))
    return Decision(starts=(start(view, seen.id, f"exited with code {seen.exit_code}"),))


def _may_start_again(view: SlotView, *, failed: bool) -> bool:
    restart = view.spec.restart if view.spec else Restart()
    match restart.policy:
        case "default" | "always" | "unless-stopped":
            return True
        case "on-failure":
            has_tries = restart.max_retries is None or view.attempts.exits <= restart.max_retries
            return failed and has_tries
        case "no":
            return False


def _drift(view: SlotView, seen: SeenContainer) -> Drift:
    drift = compare(view.slot, view.labels.fingerprint, view.ordered_image_id, seen)
    if drift.verdict is Verdict.UP_TO_DATE and is_left_behind(seen, view.owners):
        return Drift(Verdict.NEEDS_RECREATE, "the container that it lives in runs anew")
    return drift


def _exit_was_asked(view: SlotView, seen: SeenContainer) -> bool:
    return (seen.id, seen.finished_at or 0.0) in view.attempts.asked
