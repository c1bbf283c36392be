"""`start`: settings from the environment, then run until told to stop."""

import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from daemon.logs import configure
from daemon.settings import DaemonSettings
from schemas.errors import TroopersError
from schemas.faults import first_fault

log = structlog.get_logger()

SettingsT = TypeVar("SettingsT", bound=DaemonSettings)


def start(
    model: type[SettingsT], run: Callable[[SettingsT], Coroutine[Any, Any, None]]
) -> NoReturn:
    """Run a daemon and end the process: 0 told to stop, 1 failed, 2 a setting is wrong."""
    try:
        settings = model()
    except ValidationError as error:
        message, where = first_fault(error)
        prefix = model.model_config.get("env_prefix", "")
        sys.stderr.write(f"{prefix}{where.upper()}: {message}\n")
        sys.exit(2)
    configure(settings.log_level)
    exit_code = 0
    try:
        uvloop.run(run(settings))
    except* (TroopersError, OSError) as group:
        # The chain of causes is in the log where it happened; here one line says why we stop.
        for fault in _leaves(group):
            log.error("the daemon stops", error=str(fault))  # noqa: TRY400
        exit_code = 1
    except* Exception:
        log.exception("the daemon stops: a defect")
        exit_code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread in a call to a hung engine, or a child that hangs in the kernel, can't be cancelled,
    # and an ordinary exit waits for it.
    os._exit(exit_code)


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for fault in group.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            yield from _leaves(fault)
        else:
            yield fault
