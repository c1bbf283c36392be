"""`deploy` and `update`: from Compose files to a project that runs.

Reads: the files, the environment, the project as it is. A plan (`--plan`) changes nothing, which is
made sure of before it is asked for: an older coordinator ignores parameters that it doesn't know,
and would deploy.
"""

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.bundle import Bundle, bundle
from cli.carrying_out import Batch, Patience, carry_out
from cli.client import Client
from cli.errors import ApiError, UsageError
from cli.following import Judge, Watch
from cli.operations import about
from cli.options import as_command, connected
from cli.pictures import texts
from cli.release_end import ReleaseEnd, Wish
from cli.requests import Request
from cli.screen import Screen
from schemas.versions import VERSION_WORDS, counted_up, is_version

_PLAN_COLUMNS = ("container", "service", "action", "node", "reason")

Files = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        "-f",
        help="A Compose file; several are merged. Else compose.yaml or its like here.",
    ),
]
EnvFiles = Annotated[
    list[str] | None, typer.Option("--env-file", help="A file with NAME=value lines.")
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env", "-e", help="NAME=value for the template's variables; NAME: as it is here."
    ),
]
Version = Annotated[
    str | None,
    typer.Option(
        "--version",
        "-V",
        help="The project's version, such as 2.0; else 1.0, or the current one counted up.",
    ),
]
Description = Annotated[str | None, typer.Option(help="What the project is.")]
LatestImage = Annotated[
    bool, typer.Option("--latest-image", help="Pull the images even where a node has them.")
]
BlueGreen = Annotated[
    bool,
    typer.Option(
        "--blue-green",
        help="Start the new version beside the old one, and wait for `confirm` or `rollback`.",
    ),
]
Plan = Annotated[bool, typer.Option("--plan", help=about("create_project", "dry_run"))]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a project shall become."""

    bundle: Bundle
    fields: Mapping[str, Any]
    is_blue_green: bool = False

    @property
    def name(self) -> str:
        return self.bundle.name

    @property
    def body(self) -> dict[str, Any]:
        """What creating and updating have in common. What isn't given, the API decides."""
        given = {key: value for key, value in self.fields.items() if value}
        return {
            "template": self.bundle.template,
            "environment": dict(self.bundle.environment),
            **given,
        }

    def request(self, *, is_new: bool, **parameters: bool) -> Request:
        """The command that makes it so."""
        if is_new:
            return Request("create_project", parameters, {"name": self.name, **self.body})
        method = {"update_method": "blue-green"} if self.is_blue_green else {}
        return Request("update_project", {"name": self.name, **parameters}, {**self.body, **method})


def add_deploying(app: typer.Typer, screen: Screen) -> None:
    """Make the commands. Both have the same options."""
    new_name = Annotated[
        str, typer.Argument(help="The project; else as the file or its directory is called.")
    ]
    old_name = Annotated[str, typer.Argument(help="The project.")]
    deploy = "Create a project from Compose files and start it, or update it if it exists."
    update = "Update a project from Compose files."
    _add(app, screen, "deploy", deploy, (new_name, ""), may_create=True)
    _add(app, screen, "update", update, (old_name, inspect.Parameter.empty), may_create=False)


def _add(
    app: typer.Typer,
    screen: Screen,
    word: str,
    summary: str,
    name_option: tuple[Any, Any],
    *,
    may_create: bool,
) -> None:
    def put(
        *,
        client: Client,
        patience: Patience,
        name: str,
        file: Files = None,
        env_file: EnvFiles = None,
        env: Env = None,
        version: Version = None,
        description: Description = None,
        latest_image: LatestImage = False,
        blue_green: BlueGreen = False,
        plan: Plan = False,
    ) -> None:
        _check_version(version)
        read = _read(file or (), name, env_file or (), env or ())
        screen.warn(*read.warnings)
        before = _before(client, read.name, may_be_missing=may_create)
        if blue_green and version is None and before is not None:
            # The API asks for the version of a blue-green update, since weights are told by it.
            version = counted_up(str(before.get("version") or ""))
        fields = {"version": version, "description": description, "latest_image": latest_image}
        deployment = Deployment(read, fields, blue_green)
        if plan:
            _show_plan(client, screen, deployment, is_new=before is None, as_json=patience.as_json)
        else:
            _deploy(client, screen, deployment, before, patience)

    annotation, default = name_option
    parameters = [
        each.replace(annotation=annotation, default=default) if each.name == "name" else each
        for each in inspect.signature(put).parameters.values()
    ]
    app.command(word)(connected(as_command(put, word, summary, parameters)))


def _read(files: Sequence[str], name: str, env_files: Sequence[str], env: Sequence[str]) -> Bundle:
    """Without files, those that Compose would take here. Raises as `bundle` does."""
    return bundle(files, name=name, env_files=env_files, env=env, cwd=Path.cwd(), shell=os.environ)


def _check_version(version: str | None) -> None:
    if version is not None and (not version or not is_version(version)):
        raise UsageError(f"-V {version!r}: a version {VERSION_WORDS}")


def _before(client: Client, name: str, *, may_be_missing: bool) -> Mapping[str, Any] | None:
    """The project as it is; None where there is none of the name. Raises ApiError."""
    try:
        found: Mapping[str, Any] = client.read("view_project", name=name)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND and may_be_missing:
            return None
        raise
    return found


def _deploy(
    client: Client,
    screen: Screen,
    deployment: Deployment,
    before: Mapping[str, Any] | None,
    patience: Patience,
) -> None:
    name = deployment.name
    request = deployment.request(is_new=before is None)
    if before is None:
        if deployment.is_blue_green:
            screen.warn(f"{name} is new, so there is no version beside which it could start")
        carry_out(client, screen, Batch(f"Deploying {name}", {name: ()}, (request,)), patience)
        return

    def judging(watch: Watch) -> Judge:
        return ReleaseEnd(watch, name, Wish.UPDATE, before).judge

    batch = Batch(f"Updating {name}", {name: ()}, (request,))
    carry_out(client, screen, batch, patience, judging)


def _show_plan(
    client: Client, screen: Screen, deployment: Deployment, *, is_new: bool, as_json: bool
) -> None:
    request = deployment.request(is_new=is_new, dry_run=True)
    if not client.takes(request.operation, "dry_run"):
        raise ApiError("this coordinator can't show plans: it would do at once what is asked for")
    plan = request.send(client, 0).body
    if as_json:
        screen.json(plan)
        return
    changes = plan.get("changes") or ()
    rows = [tuple(_cell(each, column) for column in _PLAN_COLUMNS) for each in changes]
    if rows:
        screen.table("", _PLAN_COLUMNS, rows)
    else:
        screen.say("Nothing would change.")
    screen.warn(*texts(plan.get("warnings")))


def _cell(change: Mapping[str, Any], column: str) -> str:
    shown = str(change.get(column, ""))
    source = change.get("from_node") if column == "node" else ""
    return f"{source} -> {shown}" if source else shown
