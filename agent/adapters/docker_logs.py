"""What a container printed last, as its log driver keeps it."""

import time

from docker import APIClient
from docker.errors import APIError

from agent.adapters.docker_calls import EngineCalls
from agent.domain.log_tails import LINES_MAX, tail

#: An engine cuts lines at 16 KiB, so this is never reached by the lines that are asked for.
_BYTES_MAX = 2**20


async def log_tail(calls: EngineCalls, container_id: str, timeout_s: float) -> tuple[str, ...]:
    """As `ContainerEngine.log_tail`. Takes `timeout_s` at most, whatever the driver does."""
    until = time.monotonic() + timeout_s

    def read(client: APIClient) -> bytes:
        printed = b""
        try:
            for chunk in client.logs(container_id, stream=True, follow=False, tail=LINES_MAX):
                printed += chunk
                if len(printed) > _BYTES_MAX or time.monotonic() > until:
                    break
        except APIError:
            # It is gone, or its driver (none, syslog on old engines) can't be read.
            return b""
        return printed

    return tail(await calls.call(f"read the log of {container_id[:12]}", read, timeout_s))
