"""Replies to responses: status, headers and body, in the reference's spelling."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from aiohttp import web

from coordinator.faces.http.statuses import status_of
from schemas.command import Reply
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
    return web.Response(status=status, body=_json(body), headers={"Content-Type": JSON_TYPE})


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


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


def to_query(reply: Reply) -> web.Response:
    """The answer to a query.

    Raises:
        Refusal: the query was rejected.
    """
    if reply.outcome == "rejected":
        raise _refusal(reply, status_of(reply, HTTPStatus.OK), {})
    return json_body(reply.result)


async def to_list_query(reply: Reply) -> web.Response:
    """The answer to a query for a list, however long: others are answered while it is written."""
    # Piece by piece, because the encoder lets nobody in between.
    body = await asyncio.to_thread(lambda: b"[%b]" % b",".join(map(_json, reply.result)))
    return web.Response(body=body, headers={"Content-Type": JSON_TYPE})


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
        raise _refusal(reply, status, headers)
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


def _refusal(reply: Reply, status: int, headers: dict[str, str]) -> Refusal:
    reason = reply.reason
    message = HTTPStatus(status).phrase
    if reason:
        message = f"{reason.where}: {reason.message}" if reason.where else reason.message
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {**headers, **RETRY_LATER}
    return Refusal(status, message, headers)


def _takes_only_text(accept: str) -> bool:
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")} - {""}
    return bool(kinds) and kinds <= {"text/plain", "text/*"}
