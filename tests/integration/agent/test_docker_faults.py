"""`fault`: the words of several engine versions, as recorded, to our errors."""

import pytest
import requests
from docker.errors import APIError, NotFound, StreamParseError
from urllib3.exceptions import ReadTimeoutError

from agent.adapters.docker_faults import fault
from agent.errors import (
    ContainerRejected,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
    ImageNotFound,
    PortTaken,
)


def answered(status: int, explanation: str) -> APIError:
    response = requests.Response()
    response.status_code = status
    return APIError("refused", response=response, explanation=explanation)


@pytest.mark.parametrize(
    ("words", "endpoint"),
    [
        (
            (
                "driver failed programming external connectivity on endpoint shop_web_2 (4f0e): "
                "Bind for 0.0.0.0:8080 failed: port is already allocated"
            ),
            "0.0.0.0:8080",
        ),
        (
            (
                "driver failed programming external connectivity on endpoint shop_web_2 (4f0e): Error "
                "starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use"
            ),
            "0.0.0.0:8080",
        ),
        ("listen udp6 [::]:53: bind: address already in use", "[::]:53"),
        (
            (
                "failed to set up container networking: driver failed programming external "
                "connectivity on endpoint x (1c): failed to bind host port for "
                "0.0.0.0:8080:172.18.0.2:80/tcp: address already in use"
            ),
            "0.0.0.0:8080",
        ),
        (
            "failed to bind host port 127.0.0.1:8080/tcp: address already in use",
            "127.0.0.1:8080",
        ),
    ],
)
def test_a_taken_port_is_named(words: str, endpoint: str) -> None:
    translated = fault("start shop_web_2", answered(500, words))
    assert isinstance(translated, PortTaken)
    assert str(translated) == f"start shop_web_2: port {endpoint} is taken"


def test_a_taken_port_without_a_number_is_still_a_taken_port() -> None:
    translated = fault("start x", answered(500, "address already in use"))
    assert isinstance(translated, PortTaken)
    assert str(translated) == "start x: a published port is taken"


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (404, "No such image: nosuch:1", ImageNotFound),
        (404, "network shop_default not found", EngineFailed),
        (404, "No such container: 4f0e", EngineFailed),
        (400, 'exec: "nosuch": executable file not found in $PATH', ContainerRejected),
        (
            400,
            "client version 1.41 is too old. Minimum supported API version is 1.44",
            EngineFailed,
        ),
        (409, "volume is in use - [4f0e]", EngineFailed),
        (403, "network shop_default has active endpoints", EngineFailed),
        (500, "invalid volume specification: '/x:rel:rw'", ContainerRejected),
        (500, "write /var/lib/docker/x: no space left on device", EngineFailed),
        (503, "This node is not a swarm manager", EngineFailed),
    ],
)
def test_an_answer_is_told_with_the_engines_words(
    status: int, words: str, kind: type[Exception]
) -> None:
    translated = fault("do it", answered(status, words))
    assert type(translated) is kind
    assert str(translated) == f"do it: {words}"


def test_long_and_wrapped_words_are_made_one_short_line() -> None:
    told = str(fault("do it", answered(500, "a\n  b\n" + "c" * 1000)))
    assert told.startswith("do it: a b ccc")
    assert len(told) < 320


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.exceptions.ReadTimeout(), EngineTimeout),
        (requests.exceptions.ConnectTimeout(), EngineTimeout),
        # A time-out while the body is read.
        (
            requests.exceptions.ConnectionError(ReadTimeoutError(None, "/", "slow")),  # type: ignore[arg-type]
            EngineTimeout,
        ),
        (TimeoutError(), EngineTimeout),
        (requests.exceptions.ConnectionError(FileNotFoundError()), EngineUnavailable),
        (requests.exceptions.ChunkedEncodingError(), EngineUnavailable),
        (ConnectionRefusedError(), EngineUnavailable),
        (StreamParseError("Expecting value"), EngineFailed),
    ],
)
def test_silence_is_told_from_absence(error: Exception, kind: type[Exception]) -> None:
    translated = fault("do it", error)
    assert type(translated) is kind
    assert str(translated).startswith("do it: ")


def test_docker_pys_own_subclasses_are_answers_too() -> None:
    response = requests.Response()
    response.status_code = 404
    assert isinstance(fault("do it", NotFound("gone", response=response)), EngineFailed)
