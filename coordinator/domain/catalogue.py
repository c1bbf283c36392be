"""What a command does to its project's record: `apply`, pure.

The newest command wins: a stop is accepted while a create still waits for an image, and the older
operation ends as superseded. The reference is silent here; refusing instead would leave a stuck
project that nobody can stop.
"""

from collections.abc import Collection
from dataclasses import dataclass

from coordinator.domain.operations import Moment, answered, begun
from coordinator.errors import Conflict, NotFound
from schemas.command import (
    SCALE_MAX,
    AnyProjectCommand,
    CreateProject,
    DeleteProject,
    KillProject,
    KillService,
    ProjectCommand,
    RedeployProject,
    ScaleService,
    StartProject,
    StartService,
    StopProject,
    StopService,
    verb_of,
)
from schemas.desired import PullPolicy
from schemas.errors import InvalidInput
from schemas.names import is_project_name
from schemas.records import (
    ProjectRecord,
    ProjectTemplate,
    RememberedReply,
    ServiceRecord,
)
from schemas.signals import canonical
from schemas.states import State

_STARTED: dict[str, object] = {
    "desired_state": State.RUNNING,
    "stop_signal": "",
    "stop_timeout_s": None,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The record to write, the answer, and the services to signal, dependents first."""

    record: ProjectRecord
    reply: RememberedReply
    signal: str = ""
    signalled: tuple[str, ...] = ()


def create(
    held: ProjectRecord | None, command: CreateProject, template: ProjectTemplate, moment: Moment
) -> Decision:
    """A new project, wanted running. Its `latest_image` is every service's.

    Raises:
        Conflict: the name is taken, or its former owner is still being deleted.
    """
    check_new_name(held, command)
    operation = begun(held, command, moment)
    pulled = {"pull": PullPolicy.ALWAYS} if command.latest_image else {}
    services = {
        service.name: ServiceRecord(
            template=service.model_copy(update=pulled),
            scale=service.scale,
            changed_by=operation,
            created=moment.now,
            updated=moment.now,
        )
        for service in template.services
    }
    record = ProjectRecord(
        name=command.name,
        description=command.description,
        template=command.template,
        shown_template=template.shown_text,
        hidden_variables=template.hidden_variables,
        version=command.version,
        environment=command.environment,
        compose_version=template.compose_version,
        created=moment.now,
        updated=moment.now,
        services=services,
        networks=template.networks,
        volumes=template.volumes,
        warnings=template.warnings,
        replies=held.replies if held else (),
    )
    return Decision(*answered(record, command, operation, warnings=template.warnings))


def check_new_name(held: ProjectRecord | None, command: CreateProject) -> None:
    """Refuse a name that can't be created, before the work of compiling its template."""
    if not is_project_name(command.name):
        raise InvalidInput(
            "a project's name is 1 to 64 letters, digits and hyphens, not starting with a hyphen",
            where="name",
        )
    if held is not None and not held.is_gone:
        if held.desired_state is State.DELETED:
            raise Conflict(f"project {command.name} is still being deleted")
        raise Conflict(f"project {command.name} already exists")


def apply(
    held: ProjectRecord | None,
    command: AnyProjectCommand,
    moment: Moment,
    *,
    running: bool = False,
    unsettled: Collection[str] = (),
) -> Decision:
    """Every command but create.

    `running`: whether containers of the project run now. `unsettled`: its services that aren't what
    is wanted of them, for whatever reason.

    Raises:
        NotFound: no such project or service.
        Conflict: the project is being deleted, or is to be deleted without force while it runs.
        InvalidInput: a value that this service can't take.
    """
    if held is None or held.is_gone:
        raise _not_found(command)
    if isinstance(command, DeleteProject):
        return _delete(held, command, moment, running=running)
    if held.desired_state is State.DELETED:
        raise Conflict(f"project {held.name} is being deleted")
    if isinstance(command, ProjectCommand):
        return _on_services(held, tuple(held.services), command, moment, unsettled)
    if command.service not in held.services:
        raise _not_found(command)
    return _on_services(held, (command.service,), command, moment, unsettled)


def _not_found(command: AnyProjectCommand) -> NotFound:
    noun, _ = verb_of(command)
    return NotFound(f"Not Found: {noun} {command.target}")


def _on_services(
    held: ProjectRecord,
    names: tuple[str, ...],
    command: AnyProjectCommand,
    moment: Moment,
    unsettled: Collection[str],
) -> Decision:
    """Change these services as the command says; the rest of the record follows."""
    services = dict(held.services)
    only = names[0] if not isinstance(command, ProjectCommand) else ""
    operation = begun(held, command, moment, service=only)
    signal, signalled = "", []
    if isinstance(command, KillProject | KillService):
        signal = canonical(command.signal)
    for name in names:
        service = services[name]
        change: dict[str, object]
        match command:
            case StartProject() | StartService():
                # What has failed is tried again at once: its cause may have been removed. What is
                # up is left in peace.
                change = {**_STARTED, "tries": service.tries + (name in unsettled)}
            case StopProject() | StopService():
                change = _stopped("", float(command.timeout))
            case KillProject() | KillService():
                change = _killed(service, signal)
                if not change:
                    signalled.append(name)
            case RedeployProject():
                change = {**_STARTED, "refresh": service.refresh + 1}
            case ScaleService():
                tries = service.tries + (name in unsettled)
                change = {**_STARTED, "scale": _scale(service, command), "tries": tries}
            case _:
                raise InvalidInput(f"{type(command).__name__} is not for an existing project")
        changed = service.model_copy(update={**change, "updated": moment.now})
        if _wish(changed) != _wish(service):
            changed = changed.model_copy(update={"changed_by": operation})
        services[name] = changed
    runs = any(service.desired_state is State.RUNNING for service in services.values())
    record = held.model_copy(
        update={
            "services": services,
            "desired_state": State.RUNNING if runs else State.STOPPED,
            "updated": moment.now,
        }
    )
    record, reply = answered(record, command, operation)
    order = tuple(reversed(_dependency_order(record, signalled)))
    return Decision(record, reply, signal if order else "", order)


def _wish(service: ServiceRecord) -> tuple[object, ...]:
    """What two operations can want differently of a service; all else they both get."""
    return service.desired_state, service.scale


def _stopped(signal: str, timeout_s: float | None) -> dict[str, object]:
    return {
        "desired_state": State.STOPPED,
        "stop_signal": signal,
        "stop_timeout_s": timeout_s,
    }


def _killed(service: ServiceRecord, signal: str) -> dict[str, object]:
    """A signal that is meant to end the container changes what is wanted; others don't.

    Which ones are: KILL, and the container's own stop signal. The engine draws the same line when
    it decides whether a restart policy still holds after `docker kill`.
    """
    if signal == "KILL":
        return _stopped("KILL", 0.0)
    if signal == canonical(service.template.spec.stop_signal or "TERM"):
        return _stopped(signal, None)
    return {}


def _scale(service: ServiceRecord, command: ScaleService) -> int:
    if service.template.is_global:
        raise InvalidInput("a global service runs once on every node and can't be scaled")
    count = {
        "scale_to": command.value,
        "scale_out": service.scale + command.value,
        "scale_in": max(0, service.scale - command.value),
    }[command.type]
    if count > SCALE_MAX:
        raise InvalidInput(f"{count} is more than {SCALE_MAX} containers", where="value")
    return count


def _delete(
    held: ProjectRecord, command: DeleteProject, moment: Moment, *, running: bool
) -> Decision:
    if running and not command.force and held.desired_state is not State.DELETED:
        raise Conflict(f"project {held.name} has running containers: stop it first, or use force")
    record = held.model_copy(
        update={
            "desired_state": State.DELETED,
            "remove_volumes": command.volumes or held.remove_volumes,
            "force": command.force or held.force,
            "updated": moment.now,
        }
    )
    return Decision(*answered(record, command, begun(held, command, moment)))


def bury(record: ProjectRecord) -> ProjectRecord:
    """The tombstone of a project that has left every node: only its commands are remembered."""
    return record.model_copy(
        update={
            "is_gone": True,
            "services": {},
            "networks": (),
            "volumes": (),
            "template": "",
            "shown_template": "",
            "environment": {},
            "warnings": (),
        }
    )


def _dependency_order(record: ProjectRecord, names: list[str]) -> list[str]:
    """Dependencies first; ties in the record's order."""
    ordered: list[str] = []
    pending = list(record.services)
    while pending:
        ready = [
            name
            for name in pending
            if not set(record.services[name].template.depends_on) & set(pending) - {name}
        ]
        # The compiler refuses cycles; a record that has one anyway is taken in its own order.
        for name in ready or pending[:1]:
            ordered.append(name)
            pending.remove(name)
    return [name for name in ordered if name in names]
