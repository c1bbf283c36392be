"""`carry_out`: sends commands, waits for them in front of somebody's eyes, and ends with a code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import typer

from cli.client import Client, warnings_of
from cli.following import Judge, Watch, follow
from cli.outcomes import Outcome, Result
from cli.requests import Request, Requests
from cli.screen import Screen


@dataclass(frozen=True, slots=True)
class Patience:
    """Whether and how long a command is waited for, and for whom the result is."""

    is_detached: bool = False
    #: 0: however long it takes
    timeout_s: float = 0.0
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands that are one thing to who asked: `title` says it; `projects` as `Watch` takes them."""

    title: str
    projects: Mapping[str, tuple[str, ...]]
    requests: tuple[Request, ...]


def carry_out(
    client: Client,
    screen: Screen,
    batch: Batch,
    patience: Patience,
    judging: Callable[[Watch], Judge] | None = None,
) -> None:
    """Send all requests, then wait until they are carried out, or until another judge says so.

    Raises ApiError when one is refused, and typer.Exit where the outcome's code isn't 0.
    """
    for request in batch.requests:
        answer = request.send(client, 0)
        screen.warn(*warnings_of(answer))
    if patience.is_detached:
        outcome = Outcome(Result.ACCEPTED, f"{batch.title}: accepted")
    else:
        outcome = _wait(client, screen, batch, patience, judging)
    if patience.as_json:
        screen.json({"projects": list(batch.projects), **outcome.plain})
    else:
        screen.end(batch.title, outcome)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def _wait(
    client: Client,
    screen: Screen,
    batch: Batch,
    patience: Patience,
    judging: Callable[[Watch], Judge] | None,
) -> Outcome:
    watch = Watch(client, batch.projects)
    judge = judging(watch) if judging else Requests(client, batch.requests).judge
    try:
        with screen.watching(batch.title, is_beside=patience.as_json) as shown:
            return follow(judge, watch, shown, patience.timeout_s)
    except KeyboardInterrupt:
        names = ", ".join(f"`troopers ps {name}`" for name in batch.projects)
        screen.warn(f"what was asked for goes on: see {names}")
        raise
