"""Writes docs/settings.md, metrics.md, cli.md, and the states of releases in architecture.md.

python scripts/reference.py [--check]

Reads: the `Settings` class of every daemon with the `#:` comments above its fields, the names in
every registry of metrics, and the commands of `troopers`. Writes: these pages; with --check
nothing, and exits 1 if one is stale.
"""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli_page import cli_page
from prometheus_client.parser import text_string_to_metric_families
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from release_states import with_states

import agent.metrics
import agent.settings
import coordinator.metrics
import coordinator.settings
import mountd.settings
from cli.following import OUTAGE_S
from daemon.settings import DaemonSettings

ROOT = Path(__file__).parent.parent
DAEMONS: tuple[tuple[str, type[DaemonSettings]], ...] = (
    ("agent", agent.settings.Settings),
    ("coordinator", coordinator.settings.Settings),
    ("mountd", mountd.settings.Settings),
)
#: defaults that depend on the machine
FOUND_OUT = {"host_name": "the machine's name", "_primary_address": "the address of its route out"}

SETTINGS_HEAD = """# Settings

Environment variables, checked once when a daemon starts: one that can't be used ends it with its name and the reason.
Under systemd they stand in `/etc/troopers/<daemon>.env`, one `NAME=value` a line. Written by `make schemas`.
"""
METRICS_HEAD = """# Metrics

In Prometheus' text format on `/metrics`: the coordinator's on `127.0.0.1:4280`, an agent's on `127.0.0.1:4290`. Written by `make schemas`.
Every process also has the usual `process_*` numbers. A histogram `x` has the series `x_bucket`, `x_sum` and `x_count`; it and a counter also have `…_created`.
"""


def settings_page() -> str:
    """One table for each daemon."""
    return "\n".join([SETTINGS_HEAD, *(_settings(name, of) for name, of in DAEMONS)])


def metrics_page() -> str:
    """One table for each daemon that has metrics."""
    scraped = {
        "agent": agent.metrics.Metrics().render(
            None, is_connected=False, is_saved=True, dropped=0, hanging=0
        ),
        "coordinator": coordinator.metrics.Metrics().exposition()[0],
    }
    return "\n".join([METRICS_HEAD, *(_metrics(*each) for each in scraped.items())])


def _settings(daemon: str, of: type[DaemonSettings]) -> str:
    prefix = of.model_config["env_prefix"]
    comments = {name: text for base in reversed(of.__mro__) for name, text in _comments(base)}
    rows = (
        (f"`{prefix}{name.upper()}`", _default(field), comments.get(name, ""))
        for name, field in of.model_fields.items()
    )
    return _table(f"## {daemon}", ("variable", "default", "meaning"), rows)


def _comments(of: type) -> Iterator[tuple[str, str]]:
    """The `#:` lines above each field."""
    if of.__module__.partition(".")[0] in {"pydantic", "pydantic_settings", "builtins"}:
        return
    pending: list[str] = []
    for line in inspect.getsource(of).splitlines():
        text = line.strip()
        if text.startswith("#:"):
            pending.append(text.removeprefix("#:").strip())
        elif found := re.match(r"(\w+): ", text):
            yield found[1], " ".join(pending)
            pending = []
        else:
            pending = []


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return FOUND_OUT[field.default_factory.__name__]
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, tuple):
        return ", ".join(f"`{getattr(each, 'url', each)}`" for each in field.default)
    return f"`{field.default}`" if field.default not in {"", None} else ""


def _metrics(daemon: str, scrape: bytes) -> str:
    rows = (
        (f"`{family.name}{_suffix(family.type)}`", family.type, family.documentation)
        for family in text_string_to_metric_families(scrape.decode())
        if family.name.startswith("troopers_") and not family.name.endswith("_created")
    )
    return _table(f"## {daemon}", ("metric", "kind", "meaning"), rows)


def _suffix(kind: str) -> str:
    return "_total" if kind == "counter" else ""


def _table(head: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(
        [head, "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|", *lines, ""]
    )


def main() -> int:
    """Write the pages, or compare them."""
    pages = {
        "settings.md": settings_page(),
        "metrics.md": metrics_page(),
        "cli.md": cli_page(OUTAGE_S),
        "architecture.md": with_states(_read(ROOT / "docs" / "architecture.md")),
    }
    stale = [name for name, text in pages.items() if _read(ROOT / "docs" / name) != text]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"docs/{name} is stale: run `make schemas`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (ROOT / "docs" / name).write_text(pages[name], encoding="utf-8")
    return 0


def _read(page: Path) -> str:
    return page.read_text(encoding="utf-8") if page.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
