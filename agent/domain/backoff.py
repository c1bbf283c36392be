"""How long to wait after something went wrong. Bounded and deterministic.

Three ladders. A container that exits is started again at once the first time, because a single
crash or `docker kill` deserves no wait; then after 1, 10, 20 ... 300 s. A failed action (port taken,
engine trouble) waits 1 s at first and 60 s at most: even what can't pass by itself is tried again
each minute, since an operator may free the port without telling us. A failed pull waits 300 s at
most: registries count who asks, and an image that is brought by hand is seen without a pull.
"""

import zlib
from dataclasses import replace

from agent.domain.observation import Attempts

EXIT_DELAYS_S = (0.0, 1.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
FAILURE_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: at most: see `pull_patience`
PULL_DELAYS_S = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
#: a container that has run for so long without bad health is no longer in a crash loop
HEALTHY_AFTER_S = 600.0


def exit_due(attempts: Attempts) -> float:
    """When a container may be started again after its exits."""
    if attempts.exits == 0:
        return 0.0
    return attempts.last_exit_at + _step(EXIT_DELAYS_S, attempts.exits)


def failure_due(attempts: Attempts) -> float:
    """When an action may be tried again after its failures."""
    if attempts.failures == 0:
        return 0.0
    if attempts.is_pull:
        pause_s = _step(PULL_DELAYS_S, attempts.failures) * attempts.patience
    else:
        pause_s = _step(FAILURE_DELAYS_S, attempts.failures)
    return attempts.last_failure_at + pause_s


def pull_patience(node: str, reference: str) -> float:
    """Which part of the longest wait a node waits for an image: from a half to all of it.

    Always the same one, and another one on other nodes: a thousand of them don't ask a registry in
    one breath.
    """
    return 0.5 + zlib.crc32(f"{node} {reference}".encode()) % 1000 / 2000


def until_now(attempts: Attempts, now: float) -> Attempts:
    """The same after the clock was set back: nothing has happened later than now.

    Or a wait would be longer by as much as the clock was wrong.
    """
    if max(attempts.last_exit_at, attempts.last_failure_at) <= now:
        return attempts
    return replace(
        attempts,
        last_exit_at=min(attempts.last_exit_at, now),
        last_failure_at=min(attempts.last_failure_at, now),
    )


def _step(delays_s: tuple[float, ...], count: int) -> float:
    return delays_s[min(count, len(delays_s)) - 1]
