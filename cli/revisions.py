"""history and diff: what a project was before."""

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from typing import Annotated, Any

import typer

from cli.client import Client
from cli.errors import ApiError
from cli.operations import find
from cli.options import AsJson, connected
from cli.pictures import mapping
from cli.releases import ProjectName, revision_number
from cli.screen import Screen

_COLUMNS = ("revision", "version", "created", "outcome", "description")


def add_revisions(app: typer.Typer, screen: Screen) -> None:
    """Make the commands."""

    @app.command(help=find("revisions_project").summary)
    @connected
    def history(client: Client, name: ProjectName, as_json: AsJson = False) -> None:
        revisions = client.read("revisions_project", name=name)
        if as_json:
            screen.json(revisions)
        else:
            screen.table("", _COLUMNS, [_row(each) for each in revisions])

    @app.command()
    @connected
    def diff(
        client: Client,
        name: ProjectName,
        old: Annotated[
            str | None, typer.Argument(metavar="[OLD]", help="A revision; else the one before.")
        ] = None,
        new: Annotated[
            str | None, typer.Argument(metavar="[NEW]", help="A revision; else the current one.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Show how template and environment differ between two revisions."""
        numbers = _numbers(client, name, old, new)
        before, after = (
            client.read("revision_project", name=name, number=number) for number in numbers
        )
        parts = {
            "template": _diff(numbers, "template", _template(before), _template(after)),
            "environment": _diff(numbers, "environment", _variables(before), _variables(after)),
        }
        if as_json:
            screen.json({"old": numbers[0], "new": numbers[1], **parts})
        else:
            screen.say(*parts["template"], *parts["environment"])


def _numbers(client: Client, name: str, old: str | None, new: str | None) -> tuple[int, int]:
    """The revisions that are meant. Raises ApiError when there is no earlier one."""
    if old is not None and new is not None:
        return revision_number(old), revision_number(new)
    revisions = client.read("revisions_project", name=name)
    known = sorted(int(each["number"]) for each in revisions)
    current = next((int(each["number"]) for each in revisions if each.get("current")), 0)
    current = current or (known[-1] if known else 0)
    if old is not None:
        return revision_number(old), current
    earlier = [number for number in known if number < current]
    if not earlier:
        raise ApiError(f"{name} has no earlier revision than r{current}")
    return earlier[-1], current


def _row(revision: Mapping[str, Any]) -> tuple[str, ...]:
    mark = " (current)" if revision.get("current") else ""
    fields = ("version", "created", "outcome", "description")
    return (
        f"r{revision.get('number')}{mark}",
        *(str(revision.get(field, "")).replace("_", " ") for field in fields[:3]),
        str(revision.get("description", "")),
    )


def _template(revision: Mapping[str, Any]) -> list[str]:
    return str(revision.get("template", "")).splitlines()


def _variables(revision: Mapping[str, Any]) -> list[str]:
    environment = mapping(revision.get("environment"))
    return [f"{name}={value}" for name, value in sorted(environment.items())]


def _diff(numbers: tuple[int, int], part: str, old: Sequence[str], new: Sequence[str]) -> list[str]:
    before, after = (f"r{number}/{part}" for number in numbers)
    return list(unified_diff(old, new, before, after, lineterm=""))
