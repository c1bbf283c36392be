"""`troopers up` and `down`, as `make up` and `make down` run them."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from cli.listening import free_ports

ROOT = Path(__file__).parents[2]


def test_up_shows_a_running_project_and_down_leaves_nothing(tmp_path: Path) -> None:
    http, nats, agent, page = (str(port) for port in free_ports("127.0.0.1", 4))
    environment = {
        **os.environ,
        "TROOPERS_HOME": str(tmp_path / "home"),
        "TROOPERS_HTTP_PORT": http,
        "TROOPERS_NATS_PORT": nats,
        "TROOPERS_AGENT_PORT": agent,
        "TROOPERS_HELLO_PORT": page,
    }

    def troopers(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    up = troopers("up")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert f"http://127.0.0.1:{page}" in up.stdout
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/projects/hello") as reply:
            assert json.load(reply)["current_state"] == "running"
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/") as reply:
            assert reply.status == 200
        again = troopers("up")
        assert again.returncode == 0, again.stdout + again.stderr
    finally:
        down = troopers("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert not (tmp_path / "home").exists()
