"""The rules of CONTRIBUTING.md that a program can check."""

import ast
import re
import subprocess
import sys
import tomllib

from tests.architecture.sources import (
    INSTALLED,
    PACKAGES,
    ROOT,
    definitions,
    files,
    pure,
    shown,
)

LINES_MAX = 300
FUNCTION_MAX = 60
BANNED_WORDS = {
    *("util", "utils", "common", "misc", "helper", "helpers", "manager", "handler", "base"),
    *("core", "data", "info", "sync", "stuff"),
}
#: `module.name` calls whose answer depends on when or where they are made
IMPURE_CALLS = {"now", "utcnow", "today", "uuid4", "uuid1", "getenv", "urandom", "token_hex"}


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    lengths = {shown(path): len(path.read_text().splitlines()) for path in files(*PACKAGES)}
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_no_function_is_longer_than_a_page() -> None:
    too_long = [
        f"{shown(path)}: {node.name}"
        for path in files(*PACKAGES)
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef)
        and (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_MAX
    ]
    assert too_long == []


def test_no_file_or_class_has_a_name_that_says_nothing() -> None:
    empty = [
        f"{shown(path)}: {name}"
        for path in files(*PACKAGES)
        for name in [
            path.stem,
            *(node.name for node in definitions(path) if isinstance(node, ast.ClassDef)),
        ]
        if BANNED_WORDS & {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    ]
    assert empty == []


def test_what_decides_never_waits_and_asks_no_clock() -> None:
    impure = [
        f"{shown(path)}:{node.lineno}"
        for path in files(*pure())
        if shown(path) != "schemas/generate.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in IMPURE_CALLS
        )
    ]
    assert impure == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        shown(path)
        for path in files(*INSTALLED)
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []


def test_every_path_that_the_docs_name_exists() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    folders = "agent|bench|cli|compose|coordinator|daemon|docs|examples|mountd|schemas|scripts|systemd|tests"
    missing = []
    for page in pages:
        text = page.read_text()
        named = re.findall(rf"`((?:{folders})/[A-Za-z0-9_./-]*)`", text)
        linked = re.findall(r"\]\(([^)#:]+)\)", text)
        missing += [f"{page.name}: {path}" for path in named if not (ROOT / path).exists()]
        missing += [f"{page.name}: {path}" for path in linked if not (page.parent / path).exists()]
    assert missing == []


def test_every_list_of_packages_is_whole() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tool = project["tool"]
    lists = {
        "wheel": tool["hatch"]["build"]["targets"]["wheel"]["packages"],
        "mypy": tool["mypy"]["packages"],
        "coverage": tool["coverage"]["run"]["source"],
        "imports": tool["importlinter"]["root_packages"],
    }
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    made = re.search(r"^PACKAGES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {name for name, found in lists.items() if set(found) != set(INSTALLED)} == set()
    assert set(PACKAGES) == folders | {"tests"}
    assert made is not None
    assert set(made[1].split()) == set(PACKAGES)


def test_the_pages_that_are_written_from_the_code_are_fresh() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"]
    checked = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
