"""Records, documents and nodes with defaults, so that a test states only what matters to it.

Slots are written `web.1`; nodes are `n1`, `n2` …; the project is `shop` where nothing else is said.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from coordinator.control.decision import Consequences, follow
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import Placement
from coordinator.views.rollup import ProjectView, roll_up
from schemas.current import ContainerCurrent, EngineCurrent, NodeCurrent, SlotProblem
from schemas.desired import DesiredNetwork, DesiredSlot, DesiredVolume, NodeDesired, PullPolicy
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.service import Restart, ServiceSpec
from schemas.states import EngineState, Health, NodeState, State, Wanted
from schemas.template import PlacementPolicy, ServiceTemplate

TIME = "2026-11-23T12:00:00Z"
ONCE = Restart(policy="no")


def slot(text: str, project: str = "shop") -> SlotKey:
    service, _, number = text.rpartition(".")
    return SlotKey(project, service, int(number))


def a_service(
    name: str = "web",
    *,
    scale: int = 1,
    state: State = State.RUNNING,
    after: Iterable[str] = (),
    conditions: Mapping[str, Any] | None = None,
    is_global: bool = False,
    reschedule: bool = False,
    refresh: int = 0,
    pull: PullPolicy = PullPolicy.MISSING,
    stopped_with: str = "",
    stopped_within_s: float | None = None,
    **spec: Any,
) -> ServiceRecord:
    """A service of one container that runs. `after`: the services it depends on.

    `stopped_with` and `stopped_within_s`: how the last stop was asked for.
    """
    template = ServiceTemplate(
        name=name,
        spec=ServiceSpec(**{"image": f"{name}:1"} | spec),
        scale=scale,
        is_global=is_global,
        depends_on=tuple(after),
        conditions=dict(conditions or {}),
        pull=pull,
        placement=PlacementPolicy(reschedule=reschedule),
    )
    return ServiceRecord.model_validate(
        {
            "template": template,
            "scale": scale,
            "desired_state": state,
            "refresh": refresh,
            "stop_signal": stopped_with,
            "stop_timeout_s": stopped_within_s,
            "created": TIME,
            "updated": TIME,
        }
    )


def a_project(
    *services: ServiceRecord, name: str = "shop", state: State | None = None, **fields: Any
) -> ProjectRecord:
    """A project of these services, or of one `web`; it wants what they want."""
    known = services or (a_service(),)
    runs = any(each.desired_state is State.RUNNING for each in known)
    return ProjectRecord.model_validate(
        {
            "name": name,
            "version": "1.0",
            "created": TIME,
            "updated": TIME,
            "desired_state": state or (State.RUNNING if runs else State.STOPPED),
            "services": {service.template.name: service for service in known},
            **fields,
        }
    )


def a_container(
    where: str = "web.1",
    *,
    of: ServiceRecord | None = None,
    project: str = "shop",
    status: str = "running",
    health: Health = Health.NONE,
    exit_code: int | None = None,
    **fields: Any,
) -> ContainerCurrent:
    """A container that runs what `of` asks for, by default the plain service of its name."""
    key = slot(where, project)
    service = of or a_service(key.service)
    return ContainerCurrent.model_validate(
        {
            "id": f"id-{key}",
            "name": str(key),
            "project": project,
            "service": key.service,
            "slot": key.slot,
            "status": status,
            "running": status in {"running", "paused", "restarting"},
            "health": health,
            "exit_code": exit_code,
            "fingerprint": fingerprint(service.template.spec),
            **fields,
        }
    )


def exited(where: str = "web.1", exit_code: int = 0, **more: Any) -> ContainerCurrent:
    return a_container(where, status="exited", exit_code=exit_code, **more)


def a_problem(where: str = "web.1", message: str = "no such image", **fields: Any) -> SlotProblem:
    key = slot(where, fields.pop("project", "shop"))
    return SlotProblem.model_validate(
        {
            "project": key.project,
            "service": key.service,
            "slot": key.slot,
            "code": "image_not_found",
            "message": message,
            "definite": True,
            **fields,
        }
    )


def a_status(index: int = 1, /, *containers: ContainerCurrent, **fields: Any) -> NodeCurrent:
    engine = fields.pop("engine", EngineState.READY)
    return NodeCurrent.model_validate(
        {
            "node": f"n{index}",
            "boot_id": f"boot-{index}",
            "agent_version": "0.1.0",
            "address": f"10.0.0.{index}",
            "engine": EngineCurrent(state=engine),
            "containers": containers,
            "observed_at": TIME,
            **fields,
        }
    )


def a_node(
    index: int = 1,
    *containers: ContainerCurrent,
    state: NodeState = NodeState.READY,
    read: NodeDesired | None = None,
    heard: bool = True,
    **status: Any,
) -> NodePicture:
    """A node that reports these containers. `read`: the document that its report was made with."""
    if read is not None:
        status = {"epoch": read.epoch, "generation": read.generation, "settled": True} | status
    return NodePicture(
        name=f"n{index}",
        index=index,
        joined=TIME,
        state=state,
        current=a_status(index, *containers, **status) if heard else None,
        silent_for_s=0.0 if state is NodeState.READY else 60.0,
        silent_since=TIME,
    )


def an_entry(
    where: str = "web.1",
    wanted: Wanted = Wanted.RUNNING,
    *,
    of: ServiceRecord | None = None,
    project: str = "shop",
    **fields: Any,
) -> DesiredSlot:
    """A slot in a document, as `assign` would write it."""
    key = slot(where, project)
    service = of or a_service(key.service)
    known: dict[str, Any] = {"project": project, "service": key.service, "slot": key.slot}
    if wanted is not Wanted.ABSENT:
        spec = fingerprint(service.template.spec)
        known |= {"spec": spec, "version": "1.0", "refresh": service.refresh}
    return DesiredSlot.model_validate({**known, "wanted": wanted, **fields})


def a_document(
    index: int = 1,
    *entries: DesiredSlot,
    of: Iterable[ServiceRecord] = (),
    epoch: int = 1,
    generation: int = 1,
    networks: tuple[DesiredNetwork, ...] = (),
    volumes: tuple[DesiredVolume, ...] = (),
) -> NodeDesired:
    """A node's document. `of`: services of its entries that are not the plain ones."""
    plain = [a_service(entry.service) for entry in entries if entry.spec]
    specs = {fingerprint(each.template.spec): each.template.spec for each in (*plain, *of)}
    used = {entry.spec for entry in entries}
    return NodeDesired(
        node=f"n{index}",
        epoch=epoch,
        generation=generation,
        specs={name: spec for name, spec in specs.items() if name in used},
        slots=entries,
        networks=networks,
        volumes=volumes,
    )


def follows(
    project: ProjectRecord | Iterable[ProjectRecord],
    nodes: Iterable[NodePicture],
    documents: Iterable[NodeDesired] = (),
    *,
    epoch: int = 1,
    frozen: bool = False,
) -> Consequences:
    """What follows from this situation."""
    projects = [project] if isinstance(project, ProjectRecord) else list(project)
    return follow(
        {each.name: each for each in projects},
        list(nodes),
        {document.node: document for document in documents},
        epoch,
        frozen=frozen,
    )


def viewed(
    project: ProjectRecord,
    nodes: Iterable[NodePicture],
    assigned: Mapping[str, str] | None = None,
    unplaced: Mapping[str, str] | None = None,
) -> ProjectView:
    """The project rolled up, with its slots where `assigned` says, or else where they are seen."""
    pictures = list(nodes)
    seen = {
        container.key: node.name
        for node in pictures
        for container in (node.current.containers if node.current else ())
    }
    known = {slot(text, project.name): node for text, node in (assigned or {}).items()}
    reasons = {slot(text, project.name): why for text, why in (unplaced or {}).items()}
    placement = Placement(assigned=seen if assigned is None else known, unplaced=reasons, moved={})
    return roll_up([project], placement, pictures)[project.name]


def entries(document: NodeDesired) -> dict[str, str]:
    """`web.1` -> what is wanted of it."""
    return {f"{entry.service}.{entry.slot}": entry.wanted.value for entry in document.slots}


def started(*slots: str) -> NodeDesired:
    """Generation 1 of n1's document, with these slots running."""
    return a_document(1, *(an_entry(each) for each in slots))


def only_change(changed: Mapping[str, NodeDesired]) -> dict[str, str]:
    """The entries of the one document that changes."""
    (document,) = changed.values()
    return entries(document)
