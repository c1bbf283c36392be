"""What a command makes of one service: `changes`, pure."""

from schemas.command import (
    SCALE_MAX,
    AnyProjectCommand,
    KillProject,
    KillService,
    RedeployProject,
    ScaleService,
    StartProject,
    StartService,
    StopProject,
    StopService,
)
from schemas.errors import InvalidInput
from schemas.release import ServiceRecord
from schemas.signals import canonical
from schemas.states import State

_STARTED: dict[str, object] = {
    "desired_state": State.RUNNING,
    "stop_signal": "",
    "stop_timeout_s": None,
}


def wish(service: ServiceRecord) -> tuple[object, ...]:
    """What two operations can want differently of a service; all else they both get."""
    return service.desired_state, service.scale


def changes(
    service: ServiceRecord, command: AnyProjectCommand, *, is_settled: bool
) -> dict[str, object]:
    """The record's fields that change; none, for a signal that wants nothing else of the service.

    What isn't settled is tried again at once when it is started: what it failed of may be gone.
    What is settled is left in peace.

    Raises:
        InvalidInput: the service can't take this.
    """
    tries = service.tries + (not is_settled)
    match command:
        case StartProject() | StartService():
            return {**_STARTED, "tries": tries}
        case StopProject() | StopService():
            return _stopped("", float(command.timeout))
        case KillProject() | KillService():
            return _killed(service, signal_of(command))
        case RedeployProject():
            return {**_STARTED, "refresh": service.refresh + 1}
        case ScaleService():
            return {**_STARTED, "tries": tries, "scale": _scale(service, command)}
        case _:
            raise InvalidInput("this command is not for a project that exists")


def signal_of(command: AnyProjectCommand) -> str:
    """The signal that it is about, in canonical form; empty: none.

    Raises:
        InvalidInput: there is no such signal.
    """
    return canonical(command.signal) if isinstance(command, KillProject | KillService) else ""


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
