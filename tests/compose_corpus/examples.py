"""Projects of several files, and what Docker Compose 2 makes of each.

Every directory of `bundles/` is one. Beside its files stand `arguments.json`, how it is called, and
`expected.json`, what `docker compose config` answered: `python -m tests.compose_corpus.examples`
records it anew with the program that TROOPERS_COMPOSE names.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "bundles"
#: stands for the project's directory in a recording
DIRECTORY = "/project"


@dataclass(frozen=True, slots=True)
class Example:
    """One project. Its directory's name is its own."""

    path: Path

    def __str__(self) -> str:
        return self.path.name

    @property
    def arguments(self) -> dict[str, Any]:
        """How it is called: files, env_files, shell, cwd; all may be left out."""
        path = self.path / "arguments.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    @property
    def cwd(self) -> Path:
        return self.path / self.arguments.get("cwd", ".")

    @property
    def recorded(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / "expected.json").read_text())
        return found

    def file(self, path: str) -> Path:
        """A file that a recording names."""
        return self.path / Path(path).relative_to(DIRECTORY)


def examples() -> list[Example]:
    return [Example(path) for path in sorted(HERE.iterdir()) if path.is_dir()]


def program() -> list[str]:
    """Docker Compose 2, where it is installed; else nothing."""
    named = os.environ.get("TROOPERS_COMPOSE", "")
    if named:
        return [named]
    docker = shutil.which("docker")
    for command in [["docker-compose"], *([[docker, "compose"]] if docker else [])]:
        if shutil.which(command[0]):
            told = subprocess.run(
                [*command, "version", "--short"], capture_output=True, text=True, check=False
            )
            if told.returncode == 0 and told.stdout.strip().lstrip("v").startswith("2."):
                return command
    return []


def ask(example: Example) -> dict[str, Any]:
    """What Docker Compose says now."""
    arguments = example.arguments
    command = program()
    for option, values in (("-f", "files"), ("--env-file", "env_files")):
        for value in arguments.get(values, []):
            command += [option, value]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=example.cwd,
        # Nothing of this machine's environment may reach the files.
        env={"PATH": os.environ["PATH"], "HOME": "/", **arguments.get("shell", {})},
    )
    found: dict[str, Any] = json.loads(done.stdout.replace(str(example.path), DIRECTORY))
    return found


def _record() -> Iterator[Path]:
    for example in examples():
        path = example.path / "expected.json"
        path.write_text(json.dumps(ask(example), indent=1, sort_keys=True) + "\n")
        yield path


if __name__ == "__main__":
    for path in _record():
        sys.stdout.write(f"recorded: {path.relative_to(HERE)}\n")
