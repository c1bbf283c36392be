"""`/metrics`, `/healthz` and `/readyz`, read only. Writes: nothing."""

from collections.abc import Callable

from aiohttp import web

#: what Prometheus asks for
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def build_app(
    render_metrics: Callable[[], bytes], why_not_ready: Callable[[], list[str]]
) -> web.Application:
    """Three routes: alive as long as it answers; ready, or 503 and why not."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=render_metrics(), headers={"Content-Type": _METRICS_TYPE})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        reasons = why_not_ready()
        if not reasons:
            return web.Response(text="ready\n")
        return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons))

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


async def serve(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen; the caller cleans the runner up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
