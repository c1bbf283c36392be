import subprocess
import sys
from pathlib import Path

import pytest


def troopers(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={"TROOPERS_HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_down_where_nothing_runs_succeeds_and_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = troopers(home, "down")
    assert (done.returncode, done.stdout) == (0, "Nothing runs here.\n")
    assert not home.exists()


def test_a_failure_is_one_line_on_standard_error_and_exit_code_1(tmp_path: Path) -> None:
    done = troopers(tmp_path, "status", "--url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: GET http://127.0.0.1:1/hosts/: no answer")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["fly"], ["up", "--http-port", "0"], ["lab", "up", "--nodes", "x"]]
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    assert troopers(tmp_path, *arguments).returncode == 2


def test_the_command_line_imports_neither_agent_nor_coordinator_nor_rich() -> None:
    script = (
        "import sys, cli.__main__;"
        "print([m for m in ('agent', 'coordinator', 'rich.table') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
