"""A stub of the API over real HTTP, and the command line run against it in this process.

What it answers is scripted by method and path, one answer after the other; the last one stays.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cli.__main__ import main

Reply = tuple[int, Any]


@dataclass(frozen=True)
class Asked:
    """One request that the stub got."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    command_id: str


@dataclass
class Stub:
    """What is answered, and what was asked."""

    url: str = ""
    answers: dict[tuple[str, str], list[Reply | Callable[[Asked], Reply]]] = field(
        default_factory=dict
    )
    asked: list[Asked] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    not_modified: int = 0

    def on(self, method: str, path: str, *answers: Reply | Callable[[Asked], Reply]) -> None:
        """From now on this is answered there."""
        self.answers[method, path] = list(answers)

    def commands(self) -> list[Asked]:
        """What changes something, each command once."""
        seen: dict[str, Asked] = {}
        for each in self.asked:
            if each.method != "GET":
                seen.setdefault(each.command_id, each)
        return list(seen.values())

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        script = self.answers.get((asked.method, asked.path))
        if not script:
            return 404, {"message": f"Not Found: nothing is served at {asked.path}"}
        step = script.pop(0) if len(script) > 1 else script[0]
        return step(asked) if callable(step) else step


def running(asked: Asked) -> Reply:
    """A command whose effect is not there before its wait is over."""
    time.sleep(float(asked.query.get("wait", 0)))
    return 200, None


class Served(BaseHTTPRequestHandler):
    """Speaks HTTP for the stub of its server."""

    stub: Stub

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length) if length else b""
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        body = json.loads(content) if content else None
        command_id = self.headers.get("X-Command-Id", "")
        status, answer = self.stub.answer(
            Asked(self.command, address.path, query, body, command_id)
        )
        if status == 0:
            self.close_connection = True
            return
        sent = b"" if answer is None else json.dumps(answer).encode()
        tag = f'"{sha256(sent).hexdigest()[:16]}"'
        if self.command == "GET" and self.headers.get("If-None-Match") == tag:
            self.stub.not_modified += 1
            status, sent = 304, b""
        self.send_response(status)
        for name, value in {**self.stub.headers, "ETag": tag}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class QuietServer(ThreadingHTTPServer):
    """Tells nothing of clients that hang up: a refused certificate is one."""

    def handle_error(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """It answers in a thread of its own for as long as the block runs."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Done:
    """How a command line has ended."""

    code: int
    out: str
    err: str


class Run:
    """Runs `troopers` with these arguments, here."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["troopers", *arguments])
        self._monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
        written = self._capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, written.out, written.err)


def a_container(name: str = "shop_web_1", **changes: Any) -> dict[str, Any]:
    fields = {
        "name": f"/{name}",
        "node": "10.0.0.1",
        "node_name": "n1",
        "running": True,
        "status": "running",
        "status_ext": "",
        "health": "success",
        "ports": {"80/tcp": [{"host_ip": "10.0.0.1", "host_port": "8080"}]},
    }
    return fields | changes


def a_service(name: str = "web", scale: int = 1, **changes: Any) -> dict[str, Any]:
    containers = {f"{name}{n}": a_container(f"shop_{name}_{n}") for n in range(1, scale + 1)}
    fields = {
        "id": f"shop_{name}",
        "name": name,
        "project": "shop",
        "desired_state": "running",
        "current_state": "running",
        "extensions": {"scale": scale},
        "containers": containers,
        "version": "1.0",
        "reasons": [],
    }
    return fields | changes


def a_project(*services: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fields = {
        "name": "shop",
        "version": "1.0",
        "desired_state": "running",
        "current_state": "running",
        "services": list(services or (a_service(),)),
        "reasons": [],
        "operation": {"id": "op-0", "verb": "project.create", "started": ""},
    }
    return fields | changes
