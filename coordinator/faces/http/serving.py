"""`serve`: an application on an address, with bounds on what a connection may hold."""

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

#: longer than the 15 s between two scrapes, shorter than a forgotten client
KEEPALIVE_S = 75.0
#: what a request in flight gets when the process is told to stop
SHUTDOWN_S = 3.0

_log = logging.getLogger(__name__)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Not when a stranger spoke no HTTP: it is told so, and must not fill the log."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


_log.addFilter(_is_worth_telling)


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Listen, and return what to `cleanup()` and the port (useful when `port` is 0).

    Raises:
        OSError: the address is taken or not ours.
    """
    # Requests are logged by a guard, with their ids. Compressed bodies are refused, so nothing
    # may decompress one before it is looked at.
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_log,
        auto_decompress=False,
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=SHUTDOWN_S,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])
