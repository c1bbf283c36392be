"""What a failed action adds to the attempts of whatever suffered it, and what a success ends. Pure."""

from dataclasses import replace

from agent.domain.actions import PullImage, RemoveContainer, StopContainer
from agent.domain.backoff import pull_patience
from agent.domain.observation import Attempts, Observation
from agent.domain.outcomes import Failed

#: Whoever waits for a command is told of a pull that failed so often: one failure may be a blip of
#: a name server, two are what an operator should look at, though it is tried on and on.
PULLS_UNTIL_DEFINITE = 2


def count_failure(
    attempts: Attempts, failure: Failed, node: str, observed: Observation
) -> Attempts:
    """One more failure in a row; what it said is the message."""
    is_removal = isinstance(failure.action, StopContainer | RemoveContainer)
    now, message = observed.now, str(failure.error)
    patience, is_pull = 1.0, isinstance(failure.action, PullImage)
    if isinstance(failure.action, PullImage):
        reference = failure.action.reference
        patience = pull_patience(node, reference)
        is_here = reference in (observed.images or {})
        what = "cannot be pulled to" if is_here else "cannot be pulled and is not on"
        message = f"image {reference} {what} node {node}: {message}"
    failures = attempts.failures + 1
    return replace(
        attempts,
        failures=failures,
        last_failure_at=now,
        patience=patience,
        since=attempts.since or now,
        code="stop_failed" if is_removal else failure.code,
        message=message,
        definite=failure.is_definite or (is_pull and failures >= PULLS_UNTIL_DEFINITE),
        is_pull=is_pull,
    )


def clear_failures(attempts: Attempts) -> Attempts:
    """The failures are over; exits are counted on."""
    cleared = replace(attempts, failures=0, last_failure_at=0.0, definite=False, is_pull=False)
    if not cleared.exits:
        return clear_words(cleared)
    # The words were the pull's, and what is left to tell of is the exits.
    return replace(cleared, code="crashed", message="") if attempts.is_pull else cleared


def clear_words(attempts: Attempts) -> Attempts:
    """Nothing is left to tell of."""
    return replace(attempts, since=0.0, code="", message="")
