"""The API to test: a real coordinator's, or one over a door behind which nothing runs."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from coordinator.api.application import build_app
from coordinator.api.serving import serve
from tests.fakes.door import FakeDoor
from tests.fakes.pictures import a_node, a_project

#: a running coordinator to test instead, such as http://127.0.0.1:4280
URL_VARIABLE = "TROOPERS_API_URL"
PROJECT, SERVICE = "wordpress", "wordpress_db"


@contextmanager
def api() -> Iterator[str]:
    """The URL of an API, for as long as the block lasts."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given.rstrip("/")
        return
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="api under test")
    thread.start()
    app = build_app(FakeDoor({PROJECT: a_project()}, (a_node(),)))
    started = asyncio.run_coroutine_threadsafe(serve(app, "127.0.0.1", 0), loop)
    try:
        runner, port = started.result(timeout=10)
        yield f"http://127.0.0.1:{port}"
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
