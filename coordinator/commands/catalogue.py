"""What a command does to its project's record: `apply`, pure.

The newest command wins: a stop is accepted while a create still waits for an image, and the older
operation ends as superseded. The reference is silent here; refusing instead would leave a stuck
project that nobody can stop.
"""

from collections.abc import Collection
from dataclasses import dataclass

from coordinator.commands.operations import Moment, answer_to, answered, begun, with_answer
from coordinator.commands.releasing import check_no_release
from coordinator.commands.service_changes import changes, signal_of, wish
from coordinator.errors import Conflict, NotFound
from coordinator.releases.planning import compiled_fields
from coordinator.releases.start_order import in_start_order
from schemas.command import (
    AnyProjectCommand,
    CreateProject,
    DeleteProject,
    ProjectCommand,
    RedeployProject,
    RestoreProject,
    verb_of,
)
from schemas.desired import PullPolicy
from schemas.records import ProjectRecord, RememberedReply
from schemas.release import ReleaseState, RevisionNote, ServiceRecord
from schemas.reply import Progress
from schemas.revision import RevisionRecord
from schemas.states import State
from schemas.template import ProjectTemplate


@dataclass(frozen=True, slots=True)
class Decision:
    """The record to write, the answer, and the services to signal, dependents first.

    The record remembers the answer, but not yet where there is something to signal: that is for
    `remember` once it is delivered, so that what failed can be sent again. `reply` is the answer
    then.
    """

    record: ProjectRecord
    reply: RememberedReply
    signal: str = ""
    signalled: tuple[str, ...] = ()
    #: to be written down before the record names them
    revisions: tuple[RevisionRecord, ...] = ()


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
        version=command.version,
        environment=command.environment,
        created=moment.now,
        updated=moment.now,
        services=services,
        **compiled_fields(template),
        history=(
            RevisionNote(
                number=1,
                version=command.version,
                description=command.description,
                created=moment.now,
                outcome=ReleaseState.COMPLETED,
                operation=operation.id,
            ),
        ),
        replies=held.replies if held else (),
        accepts=held.accepts if held else 0,
    )
    return Decision(*answered(record, command, operation, warnings=template.warnings))


def check_new_name(held: ProjectRecord | None, command: CreateProject) -> None:
    """Refuse a name that is taken, before the work of compiling its template."""
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

    `running`: whether containers of the project run, or ran when they were last heard of. `unsettled`: its services that aren't what
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
    if isinstance(command, RestoreProject):
        raise Conflict(f"project {held.name} has its record: there is nothing to restore")
    if isinstance(command, RedeployProject):
        check_no_release(held, "redeploy")
    names = tuple(dict.fromkeys((*held.services, *_released(held))))
    if isinstance(command, ProjectCommand):
        return _on_services(held, names, command, moment, unsettled)
    if command.service not in names:
        raise _not_found(command)
    return _on_services(held, (command.service,), command, moment, unsettled)


def restore(known: ProjectRecord, command: RestoreProject, moment: Moment) -> Decision:
    """Write down what is known of a project, as its record."""
    services = {
        name: service.model_copy(update={"created": moment.now, "updated": moment.now})
        for name, service in known.services.items()
    }
    record = known.model_copy(
        update={"services": services, "created": moment.now, "updated": moment.now}
    )
    operation = begun(known, command, moment)
    return Decision(*answered(record, command, operation, warnings=record.warnings))


def remember(held: ProjectRecord | None, decision: Decision) -> Decision:
    """The signals of a decision are delivered.

    Raises:
        NotFound: there is no record any more that could remember it.
    """
    if held is None:
        raise NotFound("project", decision.record.name)
    return Decision(with_answer(held, decision.reply), decision.reply)


def _not_found(command: AnyProjectCommand) -> NotFound:
    noun, _ = verb_of(command)
    return NotFound(noun, command.target)


def _on_services(
    held: ProjectRecord,
    names: tuple[str, ...],
    command: AnyProjectCommand,
    moment: Moment,
    unsettled: Collection[str],
) -> Decision:
    """Change these services as the command says; the rest of the record follows.

    Of a service that is being released, slots of two sets exist: it is said of both.
    """
    sides = [dict(held.services), _released(held)]
    only = names[0] if not isinstance(command, ProjectCommand) else ""
    operation = begun(held, command, moment, service=only)
    signalled = []
    for name in names:
        for services in sides:
            service = services.get(name)
            if service is None:
                continue
            change = changes(service, command, is_settled=name not in unsettled)
            if not change:
                signalled.append(name)
                continue
            changed = service.model_copy(update={**change, "updated": moment.now})
            if wish(changed) != wish(service):
                changed = changed.model_copy(update={"changed_by": operation})
            services[name] = changed
    signalled = list(dict.fromkeys(signalled))
    if signalled and len(signalled) == len(names):
        done = answer_to(command, operation, progress=Progress.DONE)
        return Decision(held, done, signal_of(command), _dependents_first(held, signalled))
    current, ahead = sides
    runs = any(each.desired_state is State.RUNNING for side in sides for each in side.values())
    release = held.release
    if release is not None:
        target = release.target.model_copy(update={"services": ahead})
        release = release.model_copy(update={"target": target})
    record = held.model_copy(
        update={
            "services": current,
            "release": release,
            "desired_state": State.RUNNING if runs else State.STOPPED,
            "operation": operation,
            "updated": moment.now,
        }
    )
    answer = answer_to(command, operation)
    if signalled:
        return Decision(record, answer, signal_of(command), _dependents_first(record, signalled))
    return Decision(with_answer(record, answer), answer)


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
            "release": None,
            "weights": {},
            "history": (),
        }
    )


def _released(record: ProjectRecord) -> dict[str, ServiceRecord]:
    """The services of the set that a release goes to."""
    return dict(record.release.target.services) if record.release else {}


def _dependents_first(record: ProjectRecord, names: list[str]) -> tuple[str, ...]:
    """These services, dependencies last."""
    ordered = in_start_order({**_released(record), **record.services})
    return tuple(name for name in reversed(ordered) if name in names)
