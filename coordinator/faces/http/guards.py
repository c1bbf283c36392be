"""What surrounds every request: who may ask, what an error looks like, what is counted.

A browser that was lured to a page must not drive a cluster on its machine: the Host header is
compared with known names (DNS rebinding), and requests of other origins are refused.
"""

import re
import uuid
from collections.abc import Collection
from http import HTTPStatus
from typing import Protocol

import structlog
from aiohttp import HttpVersion10, web
from aiohttp.typedefs import Handler, Middleware

from coordinator.clock import CLOCK, Clock
from coordinator.faces.admission import Refused
from coordinator.faces.http import answers
from coordinator.faces.http.answers import Refusal
from schemas.errors import InvalidInput, Transient

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID = web.RequestKey("request_id", str)
#: every name of this machine's loopback interface
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
#: of a path that an error message quotes
_PATH_SHOWN_MAX = 200

_log = structlog.get_logger(__name__)


class RequestMeter(Protocol):
    """Counts requests."""

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None: ...


def metering(
    meter: RequestMeter | None,
    clock: Clock = CLOCK,
) -> Middleware:
    """Name, time and count every request. It must be the outermost one."""

    @web.middleware
    async def metered(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = clock.monotonic()
        given = request.headers.get(REQUEST_ID_HEADER, "")
        request[REQUEST_ID] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        response = await handler(request)
        seconds = clock.monotonic() - started
        if meter is not None:
            meter.count_request(_method(request), _route(request), response.status, seconds)
        _log.debug(
            "http request",
            method=request.method,
            path=request.path,
            status=response.status,
            seconds=round(seconds, 4),
            request_id=request[REQUEST_ID],
        )
        return response

    return metered


@web.middleware
async def answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that is raised into an error body. No traceback leaves the process."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return answers.error(request, refusal)
    except Refused as refused:
        return answers.error(request, answers.refusal_at_the_door(refused))
    except (InvalidInput, Transient) as error:
        return answers.error(request, answers.refusal_of(error))
    except web.HTTPException as raised:
        return answers.error(request, _as_refusal(request, raised))
    except Exception:  # noqa: BLE001 - a defect of ours must not cut the connection
        _log.exception("http request failed", path=request.path, request_id=request[REQUEST_ID])
        message = f"internal error, see the log for request {request[REQUEST_ID]}"
        return answers.error(request, Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, message))


def guarding(
    hosts: Collection[str] | None,
) -> Middleware:
    """Refuse other hosts' names (None: any will do) and other origins."""
    known = None if hosts is None else {name.lower() for name in hosts}

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = _checked_host(request, known)
        for origin in request.headers.getall("Origin", ()):
            if origin.lower() not in (f"http://{host}", f"https://{host}"):
                raise Refusal(HTTPStatus.FORBIDDEN, "requests from other origins are refused")
        return await handler(request)

    return guarded


async def sign(request: web.Request, response: web.StreamResponse) -> None:
    """Give every response the headers that they all have."""
    response.headers["Server"] = "troopers"
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
    # What has a tag may be kept, and must be asked for again (RFC 9111, 5.2.2.4).
    response.headers["Cache-Control"] = "no-cache" if "ETag" in response.headers else "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if isinstance(response, web.Response) and not response.body:
        # aiohttp names a type even for nothing.
        response.headers.popall("Content-Type", None)


def _checked_host(request: web.Request, hosts: Collection[str] | None) -> str:
    given = request.headers.getall("Host", [])
    if not given and request.version == HttpVersion10:
        # HTTP/1.0 has no Host; load balancers probe with it, browsers don't.
        return ""
    matched = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    if matched is None:
        raise Refusal(HTTPStatus.BAD_REQUEST, "there must be one valid Host header")
    name = matched[1].lower().removesuffix(".")
    if hosts is not None and name not in hosts:
        raise Refusal(HTTPStatus.FORBIDDEN, "this Host name is not served here")
    return given[0].lower()


def _as_refusal(request: web.Request, raised: web.HTTPException) -> Refusal:
    path = request.path[:_PATH_SHOWN_MAX]
    if isinstance(raised, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(raised.allowed_methods))
        message = f"{_method(request)} is not allowed at {path}, only {allowed}"
        return Refusal(raised.status, message, {"Allow": allowed})
    if raised.status == HTTPStatus.NOT_FOUND:
        return Refusal(raised.status, f"nothing is served at {path}")
    return Refusal(raised.status, raised.reason)


def _method(request: web.Request) -> str:
    # A stranger's invented methods must not grow the metrics.
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return request.method if request.method in known else "other"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return (resource.canonical.rstrip("/") or "/") if resource else "unmatched"
