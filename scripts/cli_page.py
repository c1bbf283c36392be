"""`cli_page`: docs/cli.md, made from the commands of `troopers` as typer knows them."""

from collections.abc import Iterable, Iterator
from typing import Any

import typer

from cli.__main__ import app
from cli.options import CONNECTION, PATIENCE
from cli.outcomes import Result, code_of

HEAD = """# The command line

What people type. Every command has `--help` (`-h`); `troopers --version` tells the program's version. Written by `make schemas`.

Results and progress go to standard output, failures and warnings to standard error. On a terminal what is waited for is a live table,
elsewhere a line for each change. With `--json` standard output has only JSON, and progress goes to standard error.

A NAME is a project (`shop`), or where a command says so a service by its id (`shop_web`).

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | refused, failed, rolled back, paused, overridden by a newer command, or no answer; the reason is on standard error |
| 2 | wrong usage, or a file that can't be used: nothing was asked for |
| 124 | not done within `--timeout`; it goes on |
| 130 | interrupted with Ctrl-C; what was asked for goes on |
"""
RESULTS = """## Results

What a command that waits prints with `--json` is an object: `projects`, `result`, `message`, `reasons`, the last log lines of failed
containers as far as nodes report them (`logs`, by container), and `seconds`. What the API refuses prints nothing on standard output.

| `result` | exit code |
|---|---|
{rows}
"""
CONNECTING = """## Options of all commands that ask the API

{options}
`TROOPERS_URL` is where the API is. Without it and `--url`, it is the cluster of `troopers up` or of the lab, if one runs on this machine,
otherwise `http://127.0.0.1:4280`. While something is waited for, a coordinator that doesn't answer for {outage_s:.0f} s ends the wait with 1.
"""
WAITING = """## Options of all commands that wait

{options}"""


def cli_page(outage_s: float) -> str:
    """The whole page. `outage_s`: how long a wait bears a coordinator that doesn't answer."""
    root: Any = typer.main.get_command(app)
    rows = "\n".join(f"| `{result.value}` | {code_of(result)} |" for result in Result)
    every = {option.name: option for command in root.commands.values() for option in command.params}
    parts = [
        HEAD,
        RESULTS.format(rows=rows),
        CONNECTING.format(options=_table(every[name] for name in CONNECTION), outage_s=outage_s),
        WAITING.format(options=_table(every[name] for name in PATIENCE)),
        "## Commands\n",
        *_commands("troopers", root),
    ]
    return "\n".join(parts)


def _commands(path: str, group: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(f"{path} {name}", command)
        else:
            yield _command(f"{path} {name}", command)


def _command(path: str, command: Any) -> str:
    names = {each.name for each in command.params}
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    usage = " ".join([path, *map(_argument, arguments)])
    common = {*CONNECTION, *(PATIENCE if PATIENCE.keys() <= names else ())}
    own = [each for each in command.params if each.name not in common and each.name != "help"]
    waits = " Waits." if PATIENCE.keys() <= names else ""
    local = "" if CONNECTION.keys() <= names else " Asks no API."
    return f"### `{usage}`\n\n{_text(command.help)}{waits}{local}\n" + (
        f"\n{_table(own)}" if own else ""
    )


def _argument(argument: Any) -> str:
    if argument.metavar:
        return str(argument.metavar)
    name = argument.name.upper()
    return name if argument.required else f"[{name}]"


def _table(options: Iterable[Any]) -> str:
    rows = [
        f"| {_names(each)} | {_text(each.help)}{_default(each)}{_variable(each)} |"
        for each in options
    ]
    return "\n".join(["| option | meaning |", "|---|---|", *rows, ""])


def _names(option: Any) -> str:
    if option.param_type_name == "argument":
        return f"`{_argument(option)}`"
    names = [*option.opts, *option.secondary_opts]
    value = f" {option.metavar}" if option.metavar else ""
    # Single letters first, as people look for them.
    return ", ".join(f"`{name}{value}`" for name in sorted(names, key=len))


def _text(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _default(option: Any) -> str:
    value = option.default
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return ""
    return f" Default: `{value}`." if isinstance(value, str) else f" Default: `{value:g}`."


def _variable(option: Any) -> str:
    return f" Also `{option.envvar}`." if option.envvar else ""
