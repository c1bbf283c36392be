"""The corpus, and how to ask an oracle about one of its templates."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PROJECT = "shop"
_VARIABLES = "# environment: "
#: Two command-line tools on this machine may be called so; the older one has no `stack config`.
_DOCKERS = ("docker", "/usr/local/bin/docker", "/usr/bin/docker")


@dataclass(frozen=True, slots=True)
class Sample:
    """One template. Its first line may name the project's environment."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def environment(self) -> dict[str, str]:
        first = self.text.partition("\n")[0]
        words = first.removeprefix(_VARIABLES).split() if first.startswith(_VARIABLES) else []
        return {name: value for name, _, value in (word.partition("=") for word in words)}

    @property
    def recording(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def recorded(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.recording.read_text())
        return found

    @property
    def command(self) -> list[str]:
        """The oracle's command line; empty when it is not installed."""
        if self.path.parent.name == "v3":
            docker = _docker_with_stack_config()
            return [docker, "stack", "config", "-c", str(self.path)] if docker else []
        found = shutil.which("docker-compose")
        return [found, "-p", PROJECT, "-f", str(self.path), "config"] if found else []


def samples() -> list[Sample]:
    return [Sample(path) for path in sorted(HERE.glob("v*/*.yml"))]


def ask(sample: Sample) -> dict[str, Any]:
    """What the oracle says now."""
    done = subprocess.run(
        sample.command,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        # Nothing of this machine's environment may reach the templates.
        env={"PATH": os.environ["PATH"], "HOME": "/", **sample.environment},
    )
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


@cache
def _docker_with_stack_config() -> str:
    for name in _DOCKERS:
        found = shutil.which(name)
        if found:
            told = subprocess.run(
                [found, "stack", "config", "--help"], capture_output=True, text=True, check=False
            )
            if told.returncode == 0 and "--compose-file" in told.stdout:
                return found
    return ""


def _record() -> Iterator[Path]:
    for sample in samples():
        sample.recording.write_text(json.dumps(ask(sample), indent=1, sort_keys=True) + "\n")
        yield sample.recording


if __name__ == "__main__":
    for path in _record():
        sys.stdout.write(f"recorded: {path.relative_to(HERE)}\n")
