"""`build_app`: the aiohttp application, its routes made from the table."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aiohttp import web

from coordinator.faces.http import answers, guards
from coordinator.faces.http.answers import Refusal
from coordinator.faces.http.requests import command_of, query_of
from coordinator.faces.waiting_room import SEATS, WaitingRoom
from coordinator.ports import Door
from schemas import openapi
from schemas.command import CreateProject
from schemas.routes import PLANNED, ROUTES, Route
from schemas.strict_json import PAYLOAD_BYTES_MAX

TOO_MANY = "too many requests wait for their effect; without a wait (?wait=0) this one is taken"

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    door: Door,
    *,
    meter: guards.RequestMeter | None = None,
    exposition: Callable[[], tuple[bytes, str]] | None = None,
    hosts: Collection[str] | None = guards.LOOPBACK_HOSTS,
    seats: int = SEATS,
) -> web.Application:
    """The whole HTTP face over one door.

    `exposition` gives `/metrics` its body and content type. `hosts` are the names that a Host
    header may carry; None, for a face that is not on loopback, takes any. `seats`: how many
    requests may wait for their effect.
    """
    app = web.Application(
        middlewares=[guards.metering(meter), guards.answering, guards.guarding(hosts)],
        client_max_size=PAYLOAD_BYTES_MAX,
    )
    app.on_response_prepare.append(guards.sign)
    waiting = WaitingRoom(seats)
    for route in ROUTES:
        _serve(app, route.method, route.path, _endpoint(door, route, waiting))
    for method, path, about in PLANNED:
        _serve(app, method, path, _unsupported(about))
    _serve(app, "GET", "/openapi.json", _constant(openapi.document()))
    _serve(app, "GET", "/healthz", _constant({"status": "ok"}))
    _serve(app, "GET", "/readyz", _readiness(door))
    if exposition is not None:
        _serve(app, "GET", "/metrics", _metrics(exposition))
    return app


def _serve(app: web.Application, method: str, path: str, endpoint: Endpoint) -> None:
    # Both forms directly: a redirect would turn a POST into a GET in many clients.
    bare = path.rstrip("/")
    for each in (bare, f"{bare}/"):
        app.router.add_route(method, each, endpoint)
        if method == "GET":
            app.router.add_route("HEAD", each, endpoint)


def _endpoint(door: Door, route: Route, waiting: WaitingRoom) -> Endpoint:
    async def ask(request: web.Request) -> web.StreamResponse:
        reply = await door.ask(query_of(request, route))
        is_list = isinstance(reply.result, list)
        response = await answers.to_list_query(reply) if is_list else answers.to_query(reply)
        if door.not_ready_because():
            # As it was when this coordinator last knew: it is a standby, or has lost NATS.
            response.headers["Warning"] = answers.STALE
        return response

    async def submit(request: web.Request) -> web.StreamResponse:
        command = await command_of(request, route)
        if command.wait:
            with waiting.seat() as is_free:
                if not is_free:
                    raise Refusal(503, TOO_MANY, answers.RETRY_LATER)
                reply = await door.submit(command)
        else:
            reply = await door.submit(command)
        location = f"/projects/{command.name}" if isinstance(command, CreateProject) else ""
        return answers.to_command(reply, route, location)

    return ask if route.is_query else submit


def _unsupported(about: str) -> Endpoint:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        raise Refusal(501, f"{about} is not supported yet")

    return refuse


def _constant(body: Any) -> Endpoint:
    async def show(_request: web.Request) -> web.StreamResponse:
        return answers.json_body(body)

    return show


def _readiness(door: Door) -> Endpoint:
    async def show(_request: web.Request) -> web.StreamResponse:
        reason = door.not_ready_because()
        if reason:
            raise Refusal(503, reason, answers.RETRY_LATER)
        return answers.json_body({"status": "ready"})

    return show


def _metrics(exposition: Callable[[], tuple[bytes, str]]) -> Endpoint:
    async def show(_request: web.Request) -> web.StreamResponse:
        body, kind = exposition()
        return web.Response(body=body, headers={"Content-Type": kind})

    return show
