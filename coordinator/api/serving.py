"""`serve`: an application on an address, with bounds on what a connection may hold."""

from aiohttp import web

#: longer than the 15 s between two scrapes, shorter than a forgotten client
KEEPALIVE_S = 75.0
#: what a request in flight gets when the process is told to stop
SHUTDOWN_S = 3.0


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Listen, and return what to `cleanup()` and the port (useful when `port` is 0).

    Raises:
        OSError: the address is taken or not ours.
    """
    # Requests are logged by a guard, with their ids.
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=SHUTDOWN_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])
