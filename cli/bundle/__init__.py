"""`bundle`: from Compose files to what a deployment sends.

A stand-in: one file, nothing merged or included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.config import default_project
from cli.errors import UsageError

_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A project's name, its template as one text, and the values of the template's variables."""

    name: str
    template: str
    environment: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def bundle(
    files: Sequence[str],
    *,
    name: str = "",
    env_files: Sequence[str] = (),
    env: Sequence[str] = (),
    cwd: Path,
    shell: Mapping[str, str],
) -> Bundle:
    """Read the file. Raises UsageError or OSError."""
    files = list(files) or [each for each in _FILES if (cwd / each).is_file()][:1]
    if len(files) != 1:
        raise UsageError(f"give one file with -f: there is no {_FILES[0]} in {cwd}")
    lines = [line for file in env_files for line in (cwd / file).read_text().splitlines()]
    environment: dict[str, str] = {}
    for line in (*(each for each in lines if each and not each.startswith("#")), *env):
        key, separator, value = line.partition("=")
        environment[key] = value if separator else shell.get(key, "")
    path = cwd / files[0]
    return Bundle(name or default_project(str(path)), path.read_text(), environment)
