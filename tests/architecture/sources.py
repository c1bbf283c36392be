"""The source files that the rules are about."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: what is installed
INSTALLED = ("agent", "cli", "compose", "coordinator", "daemon", "mountd", "schemas")
PACKAGES = (*INSTALLED, "bench", "tests")
PURE = ("agent/domain", "coordinator/domain", "mountd/domain", "compose", "schemas")


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found, folders
    return found


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def definitions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
