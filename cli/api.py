"""A client of the coordinator's HTTP API, as small as this package needs it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from cli.errors import ApiError

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
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=timeout_s)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(
                method, path, json.dumps(body) if body is not None else None, headers
            )
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            raise ApiError(f"{method} {self.url}{path}: no answer ({error})") from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise ApiError(f"{method} {path}: {_message(content)}", status=answer.status)
        return _parsed(content)

    def answers(self, path: str = "/readyz") -> bool:
        """Whether this path is served with success, quickly."""
        try:
            self.request("GET", path, timeout_s=2)
        except ApiError:
            return False
        return True


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")  # /readyz and /metrics speak plain text.


def _message(content: bytes) -> str:
    parsed = _parsed(content)
    if isinstance(parsed, dict) and "message" in parsed:
        return str(parsed["message"])
    return str(parsed).strip()[:200]
