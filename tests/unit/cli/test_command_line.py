import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.__main__ import app
from tests.unit.cli.stub import Run


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


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command, and of every group of them."""
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)


@pytest.mark.parametrize("words", [(), *commands(typer.main.get_command(app))], ids=" ".join)
def test_everything_has_help_under_both_names(run: Run, words: tuple[str, ...]) -> None:
    short, long = run(*words, "-h"), run(*words, "--help")
    assert (short.code, short.err) == (0, "")
    assert short == long
    assert "Usage: " in short.out


def test_the_program_tells_its_version(run: Run) -> None:
    assert run("--version").out == f"troopers {version('troopers')}\n"


def test_a_host_that_can_t_be_one_is_one_line(run: Run) -> None:
    done = run("ls", "--url", f"http://{'a' * 70}.example")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
