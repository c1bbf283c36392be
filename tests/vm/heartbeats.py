"""`Heartbeats`: when each of a node's heartbeats arrived.

It speaks NATS over a plain socket in a thread of its own: a client library's event loop would be
one more thing that can be late.
"""

import itertools
import socket
import threading
import time
from types import TracebackType
from typing import Self

#: as the bus contract says
PERIOD_S = 2.0


class Heartbeats:
    """Listens from `with` to its end. Raises ConnectionError there if the bus hung up."""

    def __init__(self, port: int, node: str) -> None:
        self._port = port
        self._subject = f"hb.{node}"
        self._arrivals: list[float] = []
        self._is_over = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._listen, name="heartbeats")

    def __enter__(self) -> Self:
        self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._connection.sendall(
            b'CONNECT {"verbose":false}\r\n' + f"SUB {self._subject} 1\r\n".encode()
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        self._connection.close()
        if self._failure is not None and error is None:
            raise self._failure

    def gaps_s(self, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Seconds between each two heartbeats that arrived between two monotonic times."""
        chosen = [at for at in self._arrivals if since <= at <= until]
        return [after - before for before, after in itertools.pairwise(chosen)]

    def _listen(self) -> None:
        try:
            with self._connection.makefile("rb") as lines:
                for line in lines:
                    if line.startswith(b"MSG "):
                        self._arrivals.append(time.monotonic())
                        lines.read(int(line.split()[-1]) + 2)
                    elif line.startswith(b"PING"):
                        self._connection.sendall(b"PONG\r\n")
        except OSError as error:
            if not self._is_over:
                self._failure = error
        else:
            if not self._is_over:
                self._failure = ConnectionError("the bus hung up")


def jitter_ms(gaps_s: list[float]) -> float:
    """How much the worst heartbeat was off its period."""
    return max(abs(gap - PERIOD_S) for gap in gaps_s) * 1000
