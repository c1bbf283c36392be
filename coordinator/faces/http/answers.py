"""Replies to responses: status, headers and body, in the reference's spelling."""

import json
from http import HTTPStatus
from typing import Any

from aiohttp import web

from coordinator.faces.admission import Cause, Refused
from coordinator.faces.http.statuses import STATUS_OF, status_of
from schemas.codec import encode_plain
from schemas.errors import InvalidInput, Transient
from schemas.reply import Reason, Reply
from schemas.routes import Route

#: exactly as the reference prints it, without a space
JSON_TYPE = "application/json;charset=UTF-8"
TEXT_TYPE = "text/plain; charset=utf-8"

OPERATION_HEADER = "X-Operation-Id"
WARNINGS_HEADER = "X-Troopers-Warnings"
#: of an answer from a coordinator that takes no commands now
STALE = '110 troopers "Response is Stale"'
#: clients give up at 8 KiB of headers; half of that leaves room for the others
WARNINGS_BYTES_MAX = 4096
#: a fail-over takes a few seconds: asking earlier than this is in vain
RETRY_LATER = {"Retry-After": "2"}


class Refusal(Exception):
    """A request that ends here, with this status."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def json_body(body: Any, status: int = 200) -> web.Response:
    """A response with this JSON body."""
    return web.Response(status=status, body=encode_plain(body), headers={"Content-Type": JSON_TYPE})


def error(request: web.BaseRequest, refusal: Refusal) -> web.Response:
    """`{"message": …}`, or the bare message for a client that takes only plain text."""
    message = refusal.message
    if refusal.status == HTTPStatus.NOT_FOUND:
        # Clients look for these words to learn that something is gone.
        message = f"Not Found: {message}"
    if _takes_only_text(request.headers.get("Accept", "")):
        body = f"{message}\n".encode(errors="replace")
        kind = {"Content-Type": TEXT_TYPE}
        return web.Response(status=refusal.status, body=body, headers={**kind, **refusal.headers})
    response = json_body({"message": message}, refusal.status)
    response.headers.update(refusal.headers)
    return response


def refusal_of(error: InvalidInput | Transient) -> Refusal:
    """What an error that a caller is told of becomes."""
    reason = Reason.of(error)
    return _refusal(reason, STATUS_OF[reason.code], {})


def refusal_at_the_door(refused: Refused) -> Refusal:
    """429 for who asks for too much at once, 503 for what nobody gets now."""
    is_busy = refused.cause is Cause.BUSY
    status = HTTPStatus.TOO_MANY_REQUESTS if is_busy else HTTPStatus.SERVICE_UNAVAILABLE
    return Refusal(status, str(refused), {"Retry-After": str(refused.retry_after_s)})


def to_command(reply: Reply, route: Route, location: str = "") -> web.Response:
    """The answer to a command: mostly an empty body; in headers what a caller may want to know.

    Raises:
        Refusal: the command was rejected, or it failed while the answer waited.
    """
    status = status_of(reply, route.success)
    headers = {}
    if reply.operation_id:
        headers[OPERATION_HEADER] = reply.operation_id
    if reply.warnings:
        headers[WARNINGS_HEADER] = warnings_value(reply.warnings)
    if status != route.success:
        raise _refusal(reply.reason, status, headers)
    if location:
        headers["Location"] = location
    if reply.result is not None:
        response = json_body(reply.result, status)
        response.headers.update(headers)
        return response
    return web.Response(status=status, headers=headers)


def warnings_value(warnings: tuple[str, ...]) -> str:
    """A JSON array in ASCII, so that no text can break out of the header; the last ones give way.

    When some are left out, the array's last element says how many.
    """
    shown = list(warnings)
    while True:
        left_out = len(warnings) - len(shown)
        texts = [*shown, f"and {left_out} more"] if left_out else shown
        # JSON escapes every control character but DEL.
        value = json.dumps(texts, separators=(",", ":")).replace("\x7f", "\\u007f")
        if len(value) <= WARNINGS_BYTES_MAX or not shown:
            return value
        shown.pop()


def _refusal(reason: Reason | None, status: int, headers: dict[str, str]) -> Refusal:
    message = HTTPStatus(status).phrase
    if reason:
        message = f"{reason.where}: {reason.message}" if reason.where else reason.message
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {**headers, **RETRY_LATER}
    return Refusal(status, message, headers)


def _takes_only_text(accept: str) -> bool:
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")} - {""}
    return bool(kinds) and kinds <= {"text/plain", "text/*"}
