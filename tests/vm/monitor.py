"""`Monitor`: qemu's control socket, for what no shell in the guest can do or tell."""

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Monitor:
    """A connection in the QEMU Machine Protocol. Messages that nobody waits for are dropped."""

    def __init__(self, path: Path) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(10)
        self._connection.connect(str(path))
        self._lines = self._connection.makefile("r", encoding="utf-8")
        self._next()  # It greets, and wants to be told that it is understood.
        self.command("qmp_capabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._connection.close()

    def command(self, name: str) -> None:
        self._connection.sendall(json.dumps({"execute": name}).encode() + b"\n")
        while "return" not in (message := self._next()):
            if "error" in message:
                raise OSError(f"qemu refuses {name}: {message['error']}")

    def wait_for(self, event: str, deadline_s: float) -> None:
        """Wait for an event such as RESET. Raises TimeoutError."""
        self._connection.settimeout(deadline_s)
        while self._next().get("event") != event:
            pass

    def _next(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise ConnectionError("qemu closed its control connection")
        message: dict[str, Any] = json.loads(line)
        return message
