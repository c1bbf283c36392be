"""The stub of the API, and the command line that is run against it."""

from collections.abc import Iterator

import pytest

from tests.unit.cli.stub import QuietServer, Run, Served, Stub, serving


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """A stub that the command line finds, with waits that are short for a test."""
    monkeypatch.setattr("cli.requests.SLICE_S", 0.1)
    monkeypatch.setattr("cli.release_end.POLL_S", 0.02)
    monkeypatch.setattr("cli.following.BACKOFF_S", (0.02, 0.05))
    made = Stub()
    handler = type("Handler", (Served,), {"stub": made})
    server = QuietServer(("127.0.0.1", 0), handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("TROOPERS_URL", made.url)
    with serving(server):
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(capsys, monkeypatch)
