"""What the person at the terminal sees: a spinner where there is one, plain lines where not."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cli.errors import StartFailed
from cli.outcomes import Outcome, Result
from cli.printable import printable, printable_lines
from cli.progress import Display, display


class Screen:
    """Results and progress on standard output, failures and warnings on standard error.

    Nothing that is printed can command the terminal, wherever it comes from.
    """

    @property
    def _is_terminal(self) -> bool:
        return sys.stdout.isatty()

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
        result = f", {step.result}" if step.result else ""
        print(f"{self._mark}{title}{result} ({time.monotonic() - began_at:.1f} s)", flush=True)

    @contextmanager
    def watching(self, title: str, *, is_beside: bool) -> Iterator[Display]:
        """Show what is waited for; `is_beside` standard output, which is for a program then."""
        with display(title, sys.stderr if is_beside else sys.stdout) as shown:
            yield shown

    @property
    def _mark(self) -> str:
        return "✓ " if self._is_terminal else "  done: "

    def say(self, *lines: str) -> None:
        for line in lines:
            print(printable_lines(line), flush=True)

    def json(self, value: Any) -> None:
        """For programs."""
        # JSON leaves DEL and the C1 controls as they are. Escaped, they mean the same.
        text = json.dumps(value, indent=2, ensure_ascii=False)
        print("".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in text), flush=True)

    def warn(self, *lines: str) -> None:
        """Beside what was asked for, so that a pipe gets only that."""
        for line in lines:
            print(f"warning: {printable(line)}", file=sys.stderr)

    def fail(self, error: Exception) -> None:
        """One line that says what and where; below it what the dead process wrote, if any."""
        print(f"error: {printable(str(error))}", file=sys.stderr)
        if isinstance(error, StartFailed) and error.log_tail:
            self._log(error.log_tail.splitlines())

    def end(self, title: str, outcome: Outcome) -> None:
        """How what was waited for has ended. A failure is explained on standard error."""
        took = f" ({outcome.seconds:.1f} s)" if outcome.seconds else ""
        if outcome.exit_code == 0:
            is_done = outcome.result is Result.DONE
            mark = self._mark if is_done else "  "
            print(f"{mark}{title if is_done else outcome.message}{took}", flush=True)
            return
        why = f": {printable(outcome.message)}" if outcome.message else ""
        word = outcome.result.replace("_", " ")
        print(f"error: {title}: {word}{why}{took}", file=sys.stderr)
        for reason in outcome.reasons:
            # The message is often made of the same words.
            if reason.partition(": ")[2] not in outcome.message and reason not in outcome.message:
                print(f"  {reason}", file=sys.stderr)
        for name, lines in outcome.logs.items():
            print(f"  the last of {name}'s log:", file=sys.stderr)
            self._log(lines)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; columns parted by blanks where there is no terminal, so that awk can read it."""
        rows = [tuple(printable(cell) for cell in row) for row in rows]
        if self._is_terminal:
            from rich.console import Console  # noqa: PLC0415 - slow to import, not always needed
            from rich.table import Table  # noqa: PLC0415
            from rich.text import Text  # noqa: PLC0415

            table = Table(title=title or None, title_justify="left")
            for column in columns:
                table.add_column(column)
            for row in rows:
                # As Text: brackets in a name are no markup.
                table.add_row(*map(Text, row))
            Console().print(table)
            return
        indent = "  " if title else ""
        if title:
            print(title)
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print(indent + "  ".join(cells).rstrip())

    def _log(self, lines: Sequence[str]) -> None:
        for line in lines:
            print(f"  | {printable(line)}", file=sys.stderr)


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


def _escaped(sign: str) -> str:
    return json.dumps(sign)[1:-1]
