"""Requests to commands and queries: path, query, headers and body, each read strictly once.

Unknown query parameters are ignored, as the reference's clients send some; but nothing is done that
was to be tried only. Bodies are read only
where the route takes one.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from coordinator.faces.http.answers import Refusal
from schemas import codec, signals
from schemas.command import COMMANDS, STOP_TIMEOUT_MAX_S, AnyCommand
from schemas.errors import InvalidInput
from schemas.names import REVISION, REVISION_WORDS
from schemas.query import QUERIES, AnyQuery
from schemas.routes import DRY_RUN, FLAG_WORDS, WAIT, Kind, Parameter, Route
from schemas.strict_json import PAYLOAD_BYTES_MAX, parse_object
from schemas.times import TIME_WORDS, is_time

#: either names the command; the first wins
COMMAND_ID_HEADERS = ("X-Command-Id", "Idempotency-Key")
DEADLINE_HEADER = "X-Command-Deadline"
#: a body of at most 2 MiB that takes longer comes from a client that holds on to a connection
BODY_TIMEOUT_S = 30.0
WAIT_S_MAX = 3600.0

#: of what doesn't fit, so much is repeated to who sent it
_SHOWN_MAX = 40
_SECONDS = re.compile(r"[0-9]{1,9}")
#: a JSON number of a sane length
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,128}")


def query_of(request: web.Request, route: Route) -> AnyQuery:
    """The query that this request stands for.

    Raises:
        InvalidInput: a parameter can't be read.
    """
    fields = {**request.match_info, **_parameters(request.query, route.parameters)}
    return codec.validate(QUERIES[route.noun, route.verb], fields)


async def command_of(request: web.Request, route: Route) -> AnyCommand:
    """The command that this request stands for.

    Raises:
        InvalidInput: a parameter, a header or the body can't be read.
        Refusal: the body is of the wrong type, too large or too slow.
    """
    fields = {**request.match_info, **_parameters(request.query, route.takes)}
    if not route.plans and _parameters(request.query, (DRY_RUN,))[DRY_RUN.field]:
        raise InvalidInput("only creating and updating can be tried", where=DRY_RUN.name)
    patience = route.wait_s + fields.get("timeout", 0)
    fields["wait"] = _parameters(request.query, (WAIT,)).get("wait", min(patience, WAIT_S_MAX))
    fields |= _command_headers(request.headers)
    fields["issuer"] = f"http:{request.remote or 'unknown'}"
    if route.body is not None:
        sent = parse_object(await _payload(request))
        if route.plans and DRY_RUN.name in sent:
            # Ignored like other fields that are unknown, it would do what is only to be shown.
            raise InvalidInput("is no field of the body: write ?dry_run=true", where=DRY_RUN.name)
        body = codec.validate(route.body, sent)
        # Without nulls, which stand for defaults. Only the body's own fields get through, so that
        # it can't set what travels in the path or in headers.
        plain = body.model_dump(exclude_none=True)
        fields |= {route.body_field: plain} if route.body_field else plain
    return codec.validate(COMMANDS[route.noun, route.verb], fields)


def _parameters(query: Mapping[str, str], parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    found = {}
    for parameter in parameters:
        for name in (parameter.name, *parameter.aliases):
            if name in query:
                found[parameter.field] = _value(name, parameter.kind, query[name])
                break
        else:
            if parameter.default is not None:
                found[parameter.field] = parameter.default
    return found


def _value(name: str, kind: Kind, text: str) -> str | bool | int | float:
    match kind:
        case Kind.TEXT:
            return text
        case Kind.FLAG | Kind.SWITCH:
            return _flag(name, text, may_be_empty=kind is Kind.FLAG)
        case Kind.SIGNAL:
            return signals.canonical(text)
        case Kind.TIMEOUT:
            if not _SECONDS.fullmatch(text) or int(text) > STOP_TIMEOUT_MAX_S:
                raise InvalidInput(
                    f"must be a whole number of seconds, 0 to {STOP_TIMEOUT_MAX_S}", where=name
                )
            return int(text)
        case Kind.NUMBER:
            if not (match := REVISION.fullmatch(text)):
                raise InvalidInput(REVISION_WORDS, where=name)
            return int(match[1])
        case Kind.WAIT:
            if not _NUMBER.fullmatch(text) or not 0 <= float(text) <= WAIT_S_MAX:
                raise InvalidInput(f"must be seconds, 0 to {WAIT_S_MAX:.0f}", where=name)
            return float(text)


def _flag(name: str, text: str, *, may_be_empty: bool) -> bool:
    word = text.strip(" ").lower()
    if may_be_empty and not word:
        return False
    if (meant := FLAG_WORDS.get(word)) is None:
        raise InvalidInput(f"must be true or false, not {_shown(text)}", where=name)
    return meant


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…")


def _command_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"command_id": uuid.uuid4().hex}
    for name in reversed(COMMAND_ID_HEADERS):
        if name in headers:
            if not _VISIBLE_ASCII.fullmatch(headers[name]):
                raise InvalidInput("must be 1 to 128 visible ASCII characters", where=name)
            found["command_id"] = headers[name]
    if DEADLINE_HEADER in headers:
        if not is_time(headers[DEADLINE_HEADER]):
            raise InvalidInput(TIME_WORDS, where=DEADLINE_HEADER)
        found["deadline"] = headers[DEADLINE_HEADER]
    return found


async def _payload(request: web.Request) -> bytes:
    _check_type(request)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError as error:
        raise Refusal(408, f"the body took longer than {BODY_TIMEOUT_S:.0f} s") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Refusal(413, f"the body is larger than {PAYLOAD_BYTES_MAX} bytes") from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise Refusal(400, "the body ended early") from error


def _check_type(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refusal(415, "compressed bodies are not supported")
    # Its absence is tolerated: the reference's own samples leave it out.
    if "Content-Type" not in request.headers:
        return
    charset = (request.charset or "utf-8").lower()
    if request.content_type.lower() != "application/json" or charset not in ("utf-8", "utf8"):
        raise Refusal(415, "the body must be application/json in UTF-8")
