"""A client of the coordinator's HTTP API by paths, for what runs clusters on this machine.

What people type goes by operations instead: `cli.client`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.errors import ApiError
from cli.transport import Transport

#: The API waits up to 10 s plus the stop timeout before it answers.
_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Api:
    """The API at a URL such as http://127.0.0.1:4280."""

    url: str

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        return self.request("POST", path, body)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        timeout_s: float = _DEADLINE_S,
    ) -> Any:
        """Ask, and parse what is answered; None for an empty answer. Raises ApiError."""
        answer = Transport(self.url).send(method, path, body, timeout_s=timeout_s)
        if answer.status >= 400:
            raise ApiError(f"{method} {path}: {answer.message}", status=answer.status)
        return answer.body

    def answers(self, path: str = "/readyz") -> bool:
        """Whether this path is served with success, quickly."""
        try:
            self.request("GET", path, timeout_s=2)
        except ApiError:
            return False
        return True
