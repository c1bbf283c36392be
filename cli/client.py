"""`Client`: calls the API's operations by their ids.

Writes nothing. It remembers what it has read, so that reading again is cheap for both sides.
"""

import json
import uuid
from http import HTTPStatus
from typing import Any

from cli.errors import ApiError
from cli.operations import Value, find, target
from cli.transport import Answer, Transport
from schemas.routes import Route

#: The API answers at once, but for what waits; a coordinator may be stopped for some seconds.
_ANSWER_S = 30.0
#: statuses of an API that will answer again soon
_PASSING = frozenset({0, 429, 502, 503, 504})


class Refused(ApiError):
    """The API's own words, and nothing else: what was asked is known to who asked."""


def will_pass(error: ApiError) -> bool:
    """Whether the same may succeed soon: silence, an overload, a change of coordinators."""
    return error.status in _PASSING


class Client:
    """The operations of one API."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        #: by path: the tag of what was read there, and the parsed body
        self._read: dict[str, tuple[str, Any]] = {}

    def read(self, operation: str, **values: Value) -> Any:
        """A query's answer. Raises ApiError."""
        wanted = target(find(operation), values)
        tag, body = self._read.get(wanted.path, ("", None))
        answer = self._send(
            wanted.method,
            wanted.path,
            headers={"If-None-Match": tag} if tag else {},
        )
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return body
        body = answer.body
        if tag := answer.headers.get("etag", ""):
            self._read[wanted.path] = (tag, body)
        return body

    def call(
        self,
        operation: str,
        *,
        body: object = None,
        command_id: str = "",
        wait: float | None = 0,
        **values: Value,
    ) -> Answer:
        """A command's answer, after at most `wait` seconds (None: as the API sees fit).

        Sent again with the same `command_id`, a command has no second effect. Raises ApiError.
        """
        route = find(operation)
        wanted = target(route, {**values, "wait": wait})
        return self._send(
            wanted.method,
            wanted.path,
            body,
            headers={"X-Command-Id": command_id or uuid.uuid4().hex},
            timeout_s=_ANSWER_S + _patience_s(route, values, wait),
        )

    def takes(self, operation: str, parameter: str) -> bool:
        """Whether the server knows this parameter: it ignores those it doesn't know.

        Raises ApiError.
        """
        route = find(operation)
        document = self._send("GET", "/openapi.json").body
        served = document.get("paths", {}).get(route.path, {}).get(route.method.lower(), {})
        return any(each.get("name") == parameter for each in served.get("parameters", ()))

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = _ANSWER_S,
    ) -> Answer:
        answer = self._transport.send(method, path, body, headers, timeout_s=timeout_s)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(answer.message, status=answer.status)
        return answer


def warnings_of(answer: Answer) -> tuple[str, ...]:
    """What the API warns of in a command's answer."""
    try:
        told = json.loads(answer.headers.get("x-troopers-warnings", "[]"))
    except ValueError:
        return ()
    return tuple(map(str, told)) if isinstance(told, list) else ()


def _patience_s(route: Route, values: dict[str, Value], wait: float | None) -> float:
    """How long the API may take over a command that waits."""
    if wait is not None:
        return wait
    stop = values.get("t")
    return route.patience_s + (stop if isinstance(stop, int) else 0)
