"""TCP ports on this machine: which are free, which answer."""

import random
import socket
from collections.abc import Iterator

from cli.errors import PortTaken

#: Below the range from which the kernel takes ports for outgoing connections (32768 and up), so
#: that a port that was free when chosen is still free when its server restarts.
_CHOICE = range(20_000, 32_000)


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        # Without it, connections of the last run that are still in TIME_WAIT would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free(host: str, port: int, variable: str) -> None:
    """Raise PortTaken, naming the variable that chooses another port."""
    if not is_free(host, port):
        raise PortTaken(host, port, variable)


def free_ports(host: str, count: int) -> Iterator[int]:
    """Different free ports, at random so that parallel test runs seldom meet."""
    for port in random.sample(_CHOICE, len(_CHOICE)):
        if count == 0:
            return
        if is_free(host, port):
            count -= 1
            yield port


def answers(host: str, port: int, *, greeting: bytes = b"", timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections and, if asked, opens with this greeting."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            return not greeting or connection.recv(len(greeting)) == greeting
    except OSError:
        return False
