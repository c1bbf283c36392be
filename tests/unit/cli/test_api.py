from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from cli.api import Api
from cli.errors import ApiError

ANSWERS = {
    "/projects/": (200, b'[{"name": "hello"}]'),
    "/readyz": (200, b"ok"),
    "/empty": (200, b""),
    "/projects/x": (404, b'{"message": "Not Found: project x"}'),
    "/broken": (500, b"oops"),
}


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def api() -> Iterator[Api]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Api(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_json_is_parsed_plain_text_is_kept_and_nothing_is_none(api: Api) -> None:
    assert api.get("/projects/") == [{"name": "hello"}]
    assert api.get("/readyz") == "ok"
    assert api.get("/empty") is None


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [("/projects/x", 404, "Not Found: project x"), ("/broken", 500, "oops")],
)
def test_an_error_says_what_was_asked_and_what_was_answered(
    api: Api, path: str, status: int, message: str
) -> None:
    with pytest.raises(ApiError, match=f"GET {path}: {message}") as failure:
        api.get(path)
    assert failure.value.status == status


def test_silence_is_an_error_without_status() -> None:
    with pytest.raises(ApiError, match="no answer") as failure:
        Api("http://127.0.0.1:1").get("/projects/")
    assert failure.value.status == 0
    assert not Api("http://127.0.0.1:1").answers()
