"""`troopers lab up` and `lab down`, as `make lab` and `make lab-down` run them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from cli.api import Api
from cli.listening import free_ports

ROOT = Path(__file__).parents[2]


def test_what_died_in_the_lab_is_started_again(tmp_path: Path) -> None:
    (port,) = free_ports("127.0.0.1", 1)
    home = tmp_path / "home"
    environment = {
        **os.environ,
        "TROOPERS_HOME": str(home),
        "TROOPERS_LAB_HTTP_PORT": str(port),
    }

    def lab(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "cli", "lab", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def pid(name: str) -> int:
        (record,) = home.rglob(f"{name}.process.json")
        return int(json.loads(record.read_text())["pid"])

    try:
        lab("up", "--nodes", "1")
        before = {name: pid(name) for name in ("agent-n1", "dockerd", "coordinator")}
        for name in ("agent-n1", "dockerd"):
            os.kill(before[name], signal.SIGKILL)
        lab("up", "--nodes", "1")
        after = {name: pid(name) for name in before}
        assert after["coordinator"] == before["coordinator"]
        assert after["agent-n1"] != before["agent-n1"]
        assert after["dockerd"] != before["dockerd"]
        assert Api(f"http://127.0.0.1:{port}").get("/hosts/")[0]["Name"] == "n1"
    finally:
        lab("down")
    assert not home.joinpath("lab").exists()
