"""`troopers config`: what Troopers makes of a project's files, without a cluster.

Reads: those files. Writes: the resolved project to standard output, warnings to standard error.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from cli.bundle import Bundle, bundle
from cli.screen import Screen
from compose.limits import WARNINGS_KEPT_MAX
from compose.parse import parse
from compose.redaction import shown_text
from compose.template import compile_template
from schemas.template import ProjectTemplate, ServiceTemplate


def add_config(app: typer.Typer, screen: Screen) -> None:
    """Add the command."""

    @app.command("config")
    def show_config(
        *,
        file: Annotated[
            list[str] | None,
            typer.Option(
                "--file",
                "-f",
                help="A Compose file; several are laid over each other, - reads from a pipe. "
                "Without any, compose.yaml and its like, here or above.",
            ),
        ] = None,
        env: Annotated[
            list[str] | None,
            typer.Option(
                "--env", "-e", help="NAME=value for the template, or NAME of the shell's."
            ),
        ] = None,
        env_file: Annotated[
            list[str] | None, typer.Option("--env-file", help="Variables, in place of .env.")
        ] = None,
        project: Annotated[
            str,
            typer.Option("--project", "-p", help="Its name; else the file's or its directory's."),
        ] = "",
        volume: Annotated[
            list[str] | None, typer.Option("--volume", help="A shared volume that the cluster has.")
        ] = None,
        template: Annotated[
            bool, typer.Option("--template", help="Show the template that would be sent.")
        ] = False,
    ) -> None:
        """Show what becomes of a project's files, and the warnings, without a cluster."""
        sent = bundle(
            file or (),
            name=project,
            env_files=env_file or (),
            env=env or (),
            cwd=Path.cwd(),
            shell=os.environ,
        )
        shown, warnings = config(sent, volume or ())
        screen.say((template_text(sent) if template else shown).rstrip())
        screen.warn(*warnings)


def config(sent: Bundle, shared: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The resolved project as YAML, and all warnings about it.

    `shared` are names of the cluster's shared volumes, which only a cluster knows. Raises
    TemplateError with the path of what is wrong.
    """
    volumes = {name: f"nas/{name}" for name in shared}
    template = compile_template(
        sent.name, sent.template, sent.environment, volumes, warnings_max=WARNINGS_KEPT_MAX
    )
    shown = yaml.safe_dump(_project(sent.name, template), sort_keys=False, allow_unicode=True)
    return shown, (*sent.warnings, *template.warnings)


def template_text(sent: Bundle) -> str:
    """The template that a coordinator would get, without its secrets.

    Raises TemplateError where they can't be told from the rest.
    """
    return shown_text(sent.template, parse(sent.template)) or sent.template


def _project(name: str, template: ProjectTemplate) -> Mapping[str, Any]:
    whole = {
        "name": name,
        "compose_version": template.compose_version,
        "services": {service.name: _service(service) for service in template.services},
        "networks": [_plain(network, "project") for network in template.networks],
        "volumes": [_plain(volume, "project") for volume in template.volumes],
    }
    return {key: value for key, value in whole.items() if value}


def _service(service: ServiceTemplate) -> Mapping[str, Any]:
    """The container first, then how many of them, where, and after whom."""
    spec = _plain(service.spec)
    for file in spec.get("files", ()):
        # Some are secrets, and what is printed is soon pasted somewhere.
        file["content"] = "***"
    return {**spec, **_plain(service, "name", "spec", "definition")}


def _plain(part: Any, *without: str) -> dict[str, Any]:
    found: dict[str, Any] = part.model_dump(
        mode="json", exclude_defaults=True, exclude=set(without)
    )
    return found
