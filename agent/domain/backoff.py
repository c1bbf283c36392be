"""How long to wait after something went wrong. Bounded and deterministic.

Two ladders. A container that exits is started again at once the first time, because a single
crash or `docker kill` deserves no wait; then after 1, 10, 20 ... 300 s. A failed action (image
missing, port taken, engine trouble) waits 1 s at first and 60 s at most: even what can't pass by
itself is tried again each minute, since an operator may load the image or free the port without
telling us.
"""

from agent.domain.observation import Attempts

EXIT_DELAYS_S = (0.0, 1.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
FAILURE_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
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
    return attempts.last_failure_at + _step(FAILURE_DELAYS_S, attempts.failures)


def _step(delays_s: tuple[float, ...], count: int) -> float:
    return delays_s[min(count, len(delays_s)) - 1]
