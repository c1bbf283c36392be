"""`document`: the HTTP API as OpenAPI 3.1, made from the route table and the models."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas import release_views, signals, views
from schemas.command import STOP_TIMEOUT_MAX_S
from schemas.routes import FLAG_WORDS, ROUTES, WAIT, Kind, Parameter, Route

#: of the API, not of the program: raised when a client must care
API_VERSION = "1.0.0"

_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_TEXT = {"type": "string"}

#: in any case, which JSON Schema has no other way to say
_FLAG_WORDS = "|".join(
    "".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in word) for word in FLAG_WORDS
)

_SCHEMA_OF_KIND: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.FLAG: {"type": ["boolean", "string"], "pattern": f"^ *({_FLAG_WORDS})? *$"},
    Kind.SWITCH: {"type": ["boolean", "string"], "pattern": f"^ *({_FLAG_WORDS}) *$"},
    Kind.TIMEOUT: {"type": "integer", "minimum": 0, "maximum": STOP_TIMEOUT_MAX_S},
    Kind.SIGNAL: {
        "type": "string",
        "pattern": signals.PATTERN,
        "examples": ["KILL", "SIGTERM", "2"],
    },
    Kind.WAIT: {"type": "number", "minimum": 0, "maximum": 3600},
    Kind.NUMBER: {"type": ["integer", "string"], "pattern": "^[rR]?[1-9][0-9]{0,8}$", "minimum": 1},
}
_REFUSALS = {
    400: "What was asked can't be read, or not be done.",
    403: "The request comes from another origin or names another host.",
    404: "Nothing has this name. The message contains `Not Found`.",
    408: "The body took too long.",
    409: "What is there already stands in the way.",
    412: "The command's deadline has passed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "As many of this kind as is allowed are in hand. Nothing was done.",
    500: "It was accepted and can't be carried out, or the coordinator is at fault.",
    503: "The coordinator can't take commands now, or is overloaded. Nothing was done.",
}
_QUERY_REFUSALS = (400, 403, 404, 429, 500, 503)
_COMMAND_REFUSALS = tuple(_REFUSALS)
#: those that say when to come back
_PASSING = (429, 503)
_TAG_HEADER = (
    "ETag",
    "Of the body: the same on every coordinator for as long as the body is the same.",
)
#: header of every query
_QUERY_HEADER = (
    "If-None-Match",
    "ETags of bodies that the client has: if this is one of them, the answer is 304.",
)
#: headers of every command
_COMMAND_HEADERS = (
    ("X-Command-Id", "Names the command: sent again, it has one effect and the first answer."),
    ("Idempotency-Key", "The same as X-Command-Id."),
    ("X-Command-Deadline", "An RFC 3339 time after which the command is refused."),
)

_WARNINGS = "A JSON array of texts; missing when there are none."


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    paths |= {
        "/healthz": {"get": _probe("healthz", "Whether the process is alive.")},
        "/readyz": {"get": _probe("readyz", "Whether commands would be taken now.", 503)},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Troopers",
            "version": API_VERSION,
            "description": (
                "Runs Compose projects on many Docker hosts. "
                "Every path is served with and without its last slash."
            ),
        },
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def _schemas() -> dict[str, Any]:
    shown = (
        *(views.Project, views.Service, views.Volume, views.Volumes, views.Node),
        *(release_views.Revision, release_views.Plan, release_views.ProjectRouting),
        *(views.Error, views.Health),
    )
    models: tuple[type[BaseModel], ...] = (*(route.body for route in ROUTES if route.body), *shown)
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], by_alias=True, ref_template=_REF
    )
    return dict(schemas["$defs"])


def _operation(route: Route) -> dict[str, Any]:
    refusals = _QUERY_REFUSALS if route.is_query else _COMMAND_REFUSALS
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [f"{route.noun}s"],
        "parameters": _parameters(route),
        "responses": {
            str(route.success): _success(route),
            **({"200": _planned()} if route.plans else {}),
            **({"304": _unchanged()} if route.is_query else {}),
            **{str(status): _refusal(status) for status in refusals},
        },
    }
    if route.body:
        operation["requestBody"] = {"required": True, "content": _content(route.body)}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in ("name", "service_id", "number")
        if f"{{{name}}}" in route.path
    ]
    in_query = [_query_parameter(parameter) for parameter in route.takes]
    if route.is_query:
        name, about = _QUERY_HEADER
        condition = {"name": name, "in": "header", "description": about, "schema": _TEXT}
        return [*in_path, *in_query, condition]
    wait = _query_parameter(WAIT)
    wait["schema"] |= {"default": route.patience_s}
    if route.patience_s != route.wait_s:
        wait["description"] += f" By default {route.wait_s:g} more than the stop timeout."
    in_headers = [
        {"name": name, "in": "header", "description": about, "schema": _header_schema(name)}
        for name, about in _COMMAND_HEADERS
    ]
    return [*in_path, *in_query, wait, *in_headers]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    about = parameter.about
    if parameter.aliases:
        about += f" Also taken as `{'`, `'.join(parameter.aliases)}`."
    schema = dict(_SCHEMA_OF_KIND[parameter.kind])
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {"name": parameter.name, "in": "query", "description": about, "schema": schema}


def _header_schema(name: str) -> dict[str, Any]:
    if name == "X-Command-Deadline":
        return {"type": "string", "format": "date-time"}
    return {"type": "string", "pattern": "^[!-~]{1,128}$"}


def _success(route: Route) -> dict[str, Any]:
    if route.result:
        return {
            "description": "What is known now.",
            "headers": _tag_header(),
            "content": _content(route.result, route.is_list),
        }
    headers = {
        "X-Operation-Id": _header("What the command started."),
        "X-Troopers-Warnings": _header(_WARNINGS),
    }
    if route.success == 201 and not route.shows:
        headers["Location"] = _header("Where the project can be seen.")
    content = {"content": _content(route.shows)} if route.shows else {}
    return {
        **content,
        "description": "Accepted; carried out within the wait if it could be.",
        "headers": headers,
    }


def _planned() -> dict[str, Any]:
    return {
        "description": "With `dry_run`: what would be done. Nothing was.",
        "headers": {"X-Troopers-Warnings": _header(_WARNINGS)},
        "content": _content(release_views.Plan),
    }


def _refusal(status: int) -> dict[str, Any]:
    described = {"description": _REFUSALS[status], "content": _content(views.Error)}
    if status in _PASSING:
        return {**described, "headers": {"Retry-After": _header("Seconds.")}}
    return described


def _unchanged() -> dict[str, Any]:
    return {"description": "The client has this body already.", "headers": _tag_header()}


def _tag_header() -> dict[str, Any]:
    name, about = _TAG_HEADER
    return {name: _header(about)}


def _header(about: str) -> dict[str, Any]:
    return {"description": about, "schema": _TEXT}


def _content(model: type[BaseModel], is_list: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": _REF.format(model=model.__name__)}
    return {_JSON: {"schema": {"type": "array", "items": schema} if is_list else schema}}


def _probe(name: str, summary: str, *refusals: int) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["probes"],
        "responses": {
            "200": {"description": "Yes.", "content": _content(views.Health)},
            **{str(status): _refusal(status) for status in (403, *refusals)},
        },
    }
