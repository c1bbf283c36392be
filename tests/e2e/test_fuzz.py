"""Whatever a client sends, the coordinator of a real cluster does not fall over."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.test_projects import a_service
from tests.e2e.world import World


@pytest.mark.timeout(300)
def test_no_request_of_the_documented_shape_or_off_it_is_a_server_error(
    world: World, tmp_path: Path
) -> None:
    world.deploy("there", {"web": a_service()})
    found = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{world.url}/openapi.json"),
            *("--checks", "not_a_server_error", "--max-examples", "10"),
            # Two would parse source at once, which CPython 3.11 does not survive (gh-106905).
            *("--workers", "1"),
            *("--phases", "examples,coverage,fuzzing", "--generation-database", "none"),
            *("--request-timeout", "30"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=270,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-2000:]
    # It may well have stopped or deleted what was there; the cluster itself works as before.
    for project in world.ok("GET", "/projects/"):
        world.http("DELETE", f"/projects/{quote(project['name'])}?force=true&v=true&wait=60")
    world.deploy("after", {"web": a_service()})
