"""What the node says of itself after a look: the status document. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from agent.domain.actions import Action, PullImage, StopContainer
from agent.domain.observation import NO_ATTEMPTS, Observation, SeenContainer
from agent.domain.plan import Plan
from agent.domain.preparing import preparations_current
from agent.domain.slot_order import probes
from agent.domain.timestamps import rfc3339
from schemas.current import ContainerCurrent, EngineCurrent, NodeCurrent, PortBinding
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.states import Health

#: of two opinions about a container's health, the one further left counts
_WORST_FIRST = (Health.FAILURE, Health.STARTING, Health.SUCCESS, Health.NONE)


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same for as long as the agent runs."""

    node: str
    boot_id: str
    agent_version: str
    address: str
    zone: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineView:
    """The engine and its machine, as last known."""

    current: EngineCurrent
    cpus: float = 0.0
    memory_bytes: int = 0


def node_current(
    identity: Identity,
    engine: EngineView,
    desired: NodeDesired | None,
    observed: Observation,
    planned: Plan,
    *,
    refusal: str = "",
) -> NodeCurrent:
    """Tell what is, not what was asked. The reporter numbers and dates it.

    `observed` shows the last containers seen when the engine can't be read.
    """
    is_working = planned.awaits_pull or any(
        _is_of_slots(action) for action in (*observed.in_flight, *planned.actions)
    )
    probed = probes(desired).keys() if desired else ()
    stopping = {
        action.container_id
        for action in (*observed.in_flight, *planned.removals)
        if isinstance(action, StopContainer)
    }
    return NodeCurrent(
        node=identity.node,
        boot_id=identity.boot_id,
        agent_version=identity.agent_version,
        address=identity.address,
        zone=identity.zone,
        labels=dict(identity.labels),
        cpus=engine.cpus,
        memory_bytes=engine.memory_bytes,
        engine=engine.current,
        epoch=desired.epoch if desired else 0,
        generation=desired.generation if desired else 0,
        index=desired.index if desired else 0,
        refusal=refusal,
        settled=not (is_working or planned.is_blind or planned.retry_at is not None),
        containers=tuple(
            _container(seen, observed, probed, is_stopping=seen.id in stopping)
            for seen in sorted(observed.containers or (), key=lambda seen: (seen.key, seen.id))
        ),
        volumes=tuple(sorted(seen.name for seen in observed.volumes or ())),
        volumes_of=_volumes_of(observed),
        mounts=tuple(mount for _, mount in sorted((observed.mounts or {}).items())),
        problems=planned.problems,
        preparations=preparations_current(desired, observed) if desired else (),
        notes=planned.notes,
    )


def _volumes_of(observed: Observation) -> dict[str, tuple[str, ...]]:
    """The names of each project's local volumes."""
    found: dict[str, list[str]] = {}
    for seen in sorted(observed.volumes or (), key=lambda each: (each.project, each.name)):
        found.setdefault(seen.project, []).append(seen.name)
    return {project: tuple(names) for project, names in found.items()}


def _is_of_slots(action: Action) -> bool:
    """Whether it brings a slot where it must be now. A preparation has all the time it takes."""
    return not (isinstance(action, PullImage) and action.is_ahead)


def health_of(seen: SeenContainer, observed: Observation, *, is_probed: bool) -> Health:
    """The worse of HEALTHCHECK and probe. A probe that has not answered yet is starting."""
    if not seen.is_running:
        return Health.NONE
    probe = observed.probes.get(seen.id, Health.STARTING) if is_probed else Health.NONE
    return min(seen.health, probe, key=_WORST_FIRST.index)


def _container(
    seen: SeenContainer, observed: Observation, probed: Collection[SlotKey], *, is_stopping: bool
) -> ContainerCurrent:
    attempts = observed.attempts.get(seen.key, NO_ATTEMPTS)
    return ContainerCurrent(
        id=seen.id,
        name=seen.name,
        project=seen.key.project,
        service=seen.key.service,
        slot=seen.key.slot,
        set_name=seen.key.set_name,
        status=seen.status,
        running=seen.is_running,
        stopping=is_stopping and seen.is_running,
        health=health_of(seen, observed, is_probed=seen.key in probed),
        ip=seen.ip,
        ports={
            inside: tuple(PortBinding(host_ip=ip, host_port=port) for ip, port in bindings)
            for inside, bindings in sorted(seen.ports.items())
        },
        image=seen.image,
        image_id=seen.image_id,
        fingerprint=seen.fingerprint,
        version=seen.version,
        created_at=rfc3339(seen.created_at),
        started_at=rfc3339(seen.started_at),
        finished_at=rfc3339(seen.finished_at),
        exit_code=None if seen.is_running else seen.exit_code,
        oom_killed=seen.oom_killed,
        fail_count=attempts.exits,
    )
