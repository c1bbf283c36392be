"""What the person at the terminal sees: a spinner where there is one, plain lines where not."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cli.errors import StartFailed


class Screen:
    """Progress on standard output, failures on standard error."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()

    @contextmanager
    def step(self, title: str) -> Iterator["Step"]:
        """Show one step for as long as the block runs, then how long it took."""
        began_at = time.monotonic()
        step: Step
        if self._is_terminal:
            from rich.console import Console  # noqa: PLC0415 - slow to import, not always needed

            with Console().status(title) as status:
                step = Step(lambda detail: status.update(f"{title}: {detail}" if detail else title))
                yield step
        else:
            print(f"{title} ...", flush=True)
            step = Step(lambda detail: print(f"  {detail}", flush=True) if detail else None)
            yield step
        mark = "✓ " if self._is_terminal else "  done: "
        result = f", {step.result}" if step.result else ""
        print(f"{mark}{title}{result} ({time.monotonic() - began_at:.1f} s)", flush=True)

    def say(self, *lines: str) -> None:
        for line in lines:
            print(line, flush=True)

    def warn(self, *lines: str) -> None:
        """Beside what was asked for, so that a pipe gets only that."""
        for line in lines:
            print(f"warning: {line}", file=sys.stderr)

    def fail(self, error: Exception) -> None:
        """One line that says what and where; below it what the dead process wrote, if any."""
        print(f"error: {error}", file=sys.stderr)
        if isinstance(error, StartFailed) and error.log_tail:
            for line in error.log_tail.splitlines():
                print(f"  | {line}", file=sys.stderr)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; columns parted by blanks where there is no terminal, so that awk can read it."""
        if self._is_terminal:
            from rich.console import Console  # noqa: PLC0415 - slow to import, not always needed
            from rich.table import Table  # noqa: PLC0415

            table = Table(title=title, title_justify="left")
            for column in columns:
                table.add_column(column)
            for row in rows:
                table.add_row(*row)
            Console().print(table)
            return
        print(title)
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  " + "  ".join(cells).rstrip())


class Step:
    """A running step: what it is at, and what came out of it."""

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show
        self._last = ""
        self.result = ""

    def update(self, detail: str) -> None:
        """Show where the step is; the same words twice are shown once."""
        if detail != self._last:
            self._last = detail
            self._show(detail)
