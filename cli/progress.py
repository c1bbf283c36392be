"""What is shown while somebody waits: a live table on a terminal, otherwise a line for each change.

A line is printed once: what has been said is not repeated, nor when only its numbers have changed.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from cli.pictures import Picture, Release, ServicePicture, reasons

if TYPE_CHECKING:  # rich is slow to import, and plain lines don't need it
    from rich.console import Console, RenderableType

#: above and below the table: title, head, rules, reasons
_LINES_AROUND = 12


class Display(Protocol):
    """Takes what is seen; decides what of it is shown."""

    def show(self, seen: Picture) -> None: ...
    def note(self, text: str) -> None:
        """What keeps us from seeing anything; empty: nothing does any more."""


@contextmanager
def display(title: str, stream: TextIO) -> Iterator[Display]:
    """What fits this stream, for as long as the block runs."""
    # What is dumb can't move its cursor: Emacs, some build servers.
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        print(f"{title} ...", file=stream, flush=True)
        yield PlainDisplay(stream)
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, not always needed

    with live(title, Console(file=stream)) as shown:
        yield shown


@contextmanager
def live(title: str, console: "Console") -> Iterator["LiveDisplay"]:
    """A table that is drawn over itself; the last one stays."""
    from rich.live import Live  # noqa: PLC0415 - as above

    shown = LiveDisplay(title, console)
    with Live(console=console, get_renderable=shown.rendered, refresh_per_second=4):
        yield shown


class PlainDisplay:
    """Lines for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        #: what was printed last, by what it is about
        self._last: dict[str, str] = {}
        self._told: set[str] = set()

    def show(self, seen: Picture) -> None:
        if seen.release:
            self._change("release", f"release: {release_words(seen.release)}")
        for service in seen.services:
            self._change(service.id, f"{service.name}: {service_words(service)}")
        for reason in reasons(seen):
            self._tell(reason)

    def note(self, text: str) -> None:
        if text:
            self._tell(text)

    def _change(self, about: str, line: str) -> None:
        if self._last.get(about) != line:
            self._last[about] = line
            print(f"  {line}", file=self._stream, flush=True)

    def _tell(self, reason: str) -> None:
        # Attempts and seconds count up in many reasons; that alone is no news.
        shape = re.sub(r"\d+", "#", reason)
        if shape not in self._told:
            self._told.add(shape)
            print(f"  {reason}", file=self._stream, flush=True)


class LiveDisplay:
    """A table of services and what they wait for."""

    def __init__(self, title: str, console: "Console") -> None:
        self._title = title
        self._console = console
        self._began_at = time.monotonic()
        self._seen = Picture()
        self._note = ""

    def show(self, seen: Picture) -> None:
        self._seen = seen

    def note(self, text: str) -> None:
        self._note = text

    def rendered(self) -> "RenderableType":
        """What stands on the screen now."""
        from rich.console import Group  # noqa: PLC0415 - slow to import, not always needed
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        seen = self._seen
        lines = [Text(f"{self._title} ({time.monotonic() - self._began_at:.0f} s)", style="bold")]
        if seen.release:
            lines.append(Text(f"release: {release_words(seen.release)}"))
        table = Table(box=None, padding=(0, 2, 0, 0))
        columns = ["service", "state", "running", "healthy"]
        is_updating = any(each.updated for each in seen.services)
        for column in [*columns, "updated"] if is_updating else columns:
            table.add_column(column)
        rows, left_out = self._rows()
        for each in rows:
            style = "" if each.is_there else "yellow"
            cells = [each.name, each.state, _of(each.running, each.wanted), str(each.healthy)]
            updated = [_of(*each.updated) if each.updated else ""] if is_updating else []
            table.add_row(*(Text(cell, style=style) for cell in [*cells, *updated]))
        below = [f"and {left_out} more services"] if left_out else []
        waits = [*below, *reasons(seen)[:5], *([self._note] if self._note else [])]
        return Group(*lines, table, *(Text(wait, style="dim") for wait in waits))

    def _rows(self) -> tuple[list[ServicePicture], int]:
        """As many as the screen has room for, those first that something is awaited of."""
        room = max(3, self._console.size.height - _LINES_AROUND)
        services = list(self._seen.services)
        if len(services) <= room:
            return services, 0
        services.sort(key=lambda each: each.is_there)
        return services[:room], len(services) - room


def service_words(service: ServicePicture) -> str:
    """`starting, 1 of 3 running, 0 healthy`."""
    words = [service.state]
    if service.wanted or service.running:
        words.append(f"{_of(service.running, service.wanted)} running")
    if service.healthy != service.running:
        words.append(f"{service.healthy} healthy")
    if service.updated:
        words.append(f"{_of(*service.updated)} updated")
    return ", ".join(words)


def release_words(release: Release) -> str:
    """`rolling to 2.0, updating: waits for web`."""
    kind = f"{release.kind} to {release.version}" if release.version else release.kind
    state = release.state.replace("_", " ")
    return ", ".join(filter(None, (kind, state))) + (
        f": {release.message}" if release.message else ""
    )


def _of(count: int, wanted: int | None) -> str:
    return f"{count} of {wanted}" if wanted else str(count)
