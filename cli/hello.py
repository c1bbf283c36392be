"""The example project: its image, its deployment, and the proof that it answers."""

import os
from http.client import HTTPConnection, HTTPException

from cli.api import Api
from cli.engine import Engine
from cli.errors import ApiError, DeployFailed
from cli.home import CHECKOUT
from cli.image import build_context
from cli.screen import Step
from cli.waiting import wait_until

PROJECT = "hello"
IMAGE = "troopers-hello:1"
EXAMPLE = CHECKOUT / "examples" / "hello"
PORT_VARIABLE = "TROOPERS_HELLO_PORT"
#: Two tiers, each with a health check that may need two intervals, on a slow machine.
_RUNNING_DEADLINE_S = 90.0
_PAGE_DEADLINE_S = 15.0


def port() -> int:
    return int(os.environ.get(PORT_VARIABLE, "8080"))


def build(engine: Engine) -> bool:
    """Build the image unless the engine has it; whether it was built."""
    if engine.has_image(IMAGE):
        return False
    context = build_context(EXAMPLE)
    engine.build_image(IMAGE, context)
    return True


def deploy(api: Api) -> bool:
    """Create the project unless it exists; whether it was created."""
    try:
        api.get(f"/projects/{PROJECT}")
    except ApiError as error:
        if error.status != 404:
            raise
    else:
        return False
    api.post(
        "/projects/",
        {
            "name": PROJECT,
            "description": "Primes found by a worker, kept by a store, shown on a page",
            "version": "1",
            "template": (EXAMPLE / "compose.yml").read_text(),
            "environment": {"HELLO_PORT": str(port())},
        },
    )
    return True


def states(api: Api) -> dict[str, str]:
    """The project's and its services' current states; the project's own is under its name."""
    project = api.get(f"/projects/{PROJECT}")
    services = {str(row["name"]): str(row["current_state"]) for row in project["services"]}
    return {PROJECT: str(project["current_state"]), **services}


def wait_until_running(api: Api, step: Step) -> dict[str, str]:
    """Wait and show the services' states. Raises DeployFailed with what they are at the end."""
    seen: dict[str, str] = {}

    def is_running() -> bool:
        seen.update(states(api))
        step.update(", ".join(f"{k} {v}" for k, v in seen.items() if k != PROJECT))
        return seen[PROJECT] == "running"

    if not wait_until(is_running, _RUNNING_DEADLINE_S, poll_s=0.3):
        detail = ", ".join(f"{name} is {state}" for name, state in seen.items())
        raise DeployFailed(f"{PROJECT} is not running after {_RUNNING_DEADLINE_S:.0f} s: {detail}")
    return seen


def wait_for_page(engine_port: int) -> str:
    """Wait until the page shows a prime that came all the way; its URL. Raises DeployFailed."""
    url = f"http://127.0.0.1:{engine_port}/"
    if not wait_until(lambda: _page_shows_a_prime(engine_port), _PAGE_DEADLINE_S, poll_s=0.2):
        raise DeployFailed(f"{url} does not show what it should; see: docker logs, {EXAMPLE}")
    return url


def _page_shows_a_prime(page_port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", page_port, timeout=5)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status == 200 and b"is the newest of" in answer.read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
