"""`bundle`: from Compose files to what a deployment sends.

A stand-in: one file, nothing merged or included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.config import default_project
from cli.errors import UnusableArgument


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
    """Read the files. Raises UnusableArgument or OSError."""
    if len(files) != 1:
        raise UnusableArgument("give exactly one file")
    lines = [line for file in env_files for line in (cwd / file).read_text().splitlines()]
    environment: dict[str, str] = {}
    for line in (*(each for each in lines if each and not each.startswith("#")), *env):
        key, separator, value = line.partition("=")
        environment[key] = value if separator else shell.get(key, "")
    path = cwd / files[0]
    return Bundle(name or default_project(str(path)), path.read_text(), environment)
