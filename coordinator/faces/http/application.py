"""`build_app`: the aiohttp application, its routes made from the table."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from aiohttp import web

from coordinator.faces.admission import Admission, Kind, kind_of_command, kind_of_query
from coordinator.faces.http import answers, guards
from coordinator.faces.http.answers import Refusal
from coordinator.faces.http.requests import command_of, query_of
from coordinator.faces.http.sending import send
from coordinator.ports import Door
from schemas import openapi
from schemas.command import COMMANDS, CreateProject, is_dry_run
from schemas.query import QUERIES
from schemas.routes import PLANNED, ROUTES, Route
from schemas.strict_json import PAYLOAD_BYTES_MAX

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    door: Door,
    *,
    meter: guards.RequestMeter | None = None,
    exposition: Callable[[], tuple[bytes, str]] | None = None,
    hosts: Collection[str] | None = guards.LOOPBACK_HOSTS,
    admission: Admission | None = None,
) -> web.Application:
    """The whole HTTP face over one door.

    `exposition` gives `/metrics` its body and content type. `hosts` are the names that a Host
    header may carry; None, for a face that is not on loopback, takes any. `admission` is shared
    with the other faces; probes and metrics don't pass it, so that what watches an overloaded
    coordinator is answered.
    """
    admission = admission or Admission()
    app = web.Application(
        middlewares=[guards.metering(meter), guards.answering, guards.guarding(hosts)],
        client_max_size=PAYLOAD_BYTES_MAX,
    )
    app.on_response_prepare.append(guards.sign)
    for route in ROUTES:
        endpoint = _asking if route.is_query else _submitting
        _serve(app, route.method, route.path, endpoint(door, route, admission))
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


def _asking(door: Door, route: Route, admission: Admission) -> Endpoint:
    kind = kind_of_query(QUERIES[route.noun, route.verb])

    async def ask(request: web.Request) -> web.StreamResponse:
        with admission.take(kind):
            answer = await door.ask(query_of(request, route))
            # As it was when this coordinator last knew: it is a standby, or has lost NATS.
            headers = {"Warning": answers.STALE} if door.not_ready_because() else {}
            return await send(request, answer, headers)

    return ask


def _submitting(door: Door, route: Route, admission: Admission) -> Endpoint:
    kind = kind_of_command(COMMANDS[route.noun, route.verb])

    async def submit(request: web.Request) -> web.StreamResponse:
        # Before megabytes are read that would be for nothing; the place is taken only after them,
        # so that slow senders don't hold any.
        admission.check(kind)
        command = await command_of(request, route)
        waiting = admission.take(Kind.WAIT) if command.wait else nullcontext()
        with waiting, admission.take(kind) as deciding:
            reply = await door.submit(command, deciding.give_back)
        if is_dry_run(command):
            return answers.to_command(reply, replace(route, success=200))
        location = f"/projects/{command.name}" if isinstance(command, CreateProject) else ""
        return answers.to_command(reply, route, location)

    return submit


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
        doubts = list(door.in_doubt())
        return answers.json_body({"status": "ready", **({"in_doubt": doubts} if doubts else {})})

    return show


def _metrics(exposition: Callable[[], tuple[bytes, str]]) -> Endpoint:
    async def show(_request: web.Request) -> web.StreamResponse:
        body, kind = exposition()
        return web.Response(body=body, headers={"Content-Type": kind})

    return show
