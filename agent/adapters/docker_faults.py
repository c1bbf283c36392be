"""docker-py's exceptions to ours. Nothing of docker-py, requests or urllib3 passes the adapter."""

import re

from docker.errors import APIError, DockerException, StreamParseError
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import RequestException, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from agent.errors import (
    ContainerRejected,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
    ImageNotFound,
    PortTaken,
    PullDenied,
    PullFailed,
)
from schemas.errors import Permanent, Transient

#: Everything that a call into docker-py may raise because of the world. OSError: bare sockets.
DOCKER_ERRORS = (DockerException, StreamParseError, RequestException, HTTPError, OSError)

#: Users read it in one line of a status table.
_EXPLANATION_MAX = 300

_REFUSALS = ("invalid ", "unable to find user", "unable to find group")
_IN_USE = ("port is already allocated", "address already in use")
_ENDPOINT = re.compile(r"(?:Bind for|listen \w+|bind host port(?: for)?) (\S*?:\d+)(?![\d.])")

#: How pulls end, in the words of engines and registries of several kinds; the first row that fits.
#: What fits none (names, routes, TLS, time-outs, 5xx, a full disk) may pass.
_PULLS: tuple[tuple[type[Transient | Permanent], tuple[str, ...]], ...] = (
    # Before the others, since some say it together with their words.
    (PullFailed, ("toomanyrequests", "too many requests", "rate limit", r"\b429\b")),
    (
        ImageNotFound,
        (
            *("manifest unknown", "name unknown", "no such image", "no matching manifest"),
            *("(manifest for|image|tag|repository) \\S+ not found", ": not found$"),
            # Docker Hub says it of private images as well, and tells nobody which it is.
            "repository does not exist",
        ),
    ),
    (
        PullDenied,
        (
            *("unauthorized", "authentication required", "no basic auth", "insufficient_scope"),
            *("forbidden", "(?<!permission )denied"),
        ),
    ),
    (
        ContainerRejected,
        ("invalid reference", "invalid repository", "invalid tag", "reserved name"),
    ),
)
#: URLs, mostly: what people call their images is no cause.
_QUOTED = re.compile('"[^"]*"')


def pull_fault(reference: str, said: str) -> Transient | Permanent:
    """Our error for what a pull ended with, in the engine's words."""
    words = _QUOTED.sub("", said.lower())
    for kind, patterns in _PULLS:
        if any(re.search(pattern, words) for pattern in patterns):
            return kind(f"pull {reference}: {said}")
    return PullFailed(f"pull {reference}: {said}")


def fault(doing: str, error: Exception) -> Transient | Permanent:
    """Our error for docker-py's, to be raised from it. `doing`: verb and object's name."""
    if isinstance(error, APIError):
        return _answered(doing, error.status_code or 0, explanation(error))
    if isinstance(error, StreamParseError):
        return EngineFailed(f"{doing}: the engine's answer broke off")
    if _timed_out(error):
        return EngineTimeout(f"{doing}: the engine did not answer in time")
    return EngineUnavailable(f"{doing}: the engine can't be reached")


def explanation(error: APIError) -> str:
    """The engine's own words, in short."""
    words = error.explanation or str(error)
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    line = " ".join(text.split())
    return line if len(line) <= _EXPLANATION_MAX else line[: _EXPLANATION_MAX - 1] + "…"


def _answered(doing: str, status: int, said: str) -> Transient | Permanent:
    if any(words in said for words in _IN_USE):
        endpoint = _ENDPOINT.search(said)
        which = f"port {endpoint[1]}" if endpoint else "a published port"
        return PortTaken(f"{doing}: {which} is taken")
    if status == 404 and "no such image" in said.lower():
        return ImageNotFound(f"{doing}: {said}")
    # An engine upgraded under us may refuse the API version that its predecessor agreed on.
    is_refused = status == 400 and "client version" not in said
    # Older engines answer 500 to some specifications that can never work.
    if is_refused or said.startswith(_REFUSALS):
        return ContainerRejected(f"{doing}: {said}")
    return EngineFailed(f"{doing}: {said}")


def _timed_out(error: BaseException) -> bool:
    """Look through the wrappers: a time-out while a body is read arrives as a connection error."""
    if isinstance(error, Timeout | ReadTimeoutError | TimeoutError):
        return True
    inner: list[BaseException] = []
    if isinstance(error, RequestsConnectionError | HTTPError):
        inner = [part for part in error.args if isinstance(part, BaseException)]
    return any(_timed_out(part) for part in inner)
