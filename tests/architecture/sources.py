"""The source files that the rules are about."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: what is installed
INSTALLED = ("agent", "cli", "compose", "coordinator", "daemon", "mountd", "schemas")
PACKAGES = (*INSTALLED, "bench", "tests")


def pure() -> tuple[str, ...]:
    """Folders and files that decide and never act: those that the import rule names."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    named = next(
        each["source_modules"]
        for each in contracts["contracts"]
        if each["name"].startswith("What decides")
    )
    paths = (ROOT / each.replace(".", "/") for each in named)
    return tuple(shown(path if path.is_dir() else path.with_suffix(".py")) for path in paths)


def files(*folders: str) -> list[Path]:
    """Every module in these folders; a folder may be a file."""
    found = []
    for folder in folders:
        path = ROOT / folder
        inside = [path] if path.is_file() else sorted(path.rglob("*.py"))
        assert inside, folder
        found += inside
    return found


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def definitions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
