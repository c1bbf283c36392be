"""Short ways to bundle files in a test."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.bundle import Bundle, BundleError, bundle
from compose.parse import parse
from compose.template import compile_template
from schemas.template import ProjectTemplate


class Folder:
    """A project's directory, called `shop`."""

    def __init__(self, path: Path) -> None:
        self.path = path / "shop"
        self.path.mkdir()

    def write(self, name: str, text: str | bytes, *, mode: int = 0o644) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        path.chmod(mode)

    def bundle(
        self,
        *files: str,
        name: str = "",
        env_files: Sequence[str] = (),
        env: Sequence[str] = (),
        cwd: str = ".",
        **shell: str,
    ) -> Bundle:
        return bundle(
            files,
            name=name,
            env_files=env_files,
            env=env,
            cwd=(self.path / cwd).resolve(),
            shell={"HOME": str(self.path / "home"), **shell},
        )

    def tree(self, *files: str, **shell: str) -> dict[str, Any]:
        return dict(parse(self.bundle(*files, **shell).template))

    def compiled(self, *files: str, **shell: str) -> ProjectTemplate:
        found = self.bundle(*files, **shell)
        return compile_template(found.name, found.template, found.environment)

    def refused(self, *files: str, **shell: str) -> BundleError:
        with pytest.raises(BundleError) as caught:
            self.bundle(*files, **shell)
        return caught.value
