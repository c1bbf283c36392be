"""`troopers config`: what Troopers makes of a template, without a cluster.

Reads: the template. Writes: the resolved project to standard output, warnings to standard error.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from cli.errors import UnusableArgument
from compose.limits import WARNINGS_KEPT_MAX
from compose.template import compile_template
from schemas.names import is_project_name
from schemas.template import ProjectTemplate, ServiceTemplate

#: standard input
_STREAM = "-"


def config(
    path: str, project: str, assignments: Iterable[str], shared: Iterable[str]
) -> tuple[str, tuple[str, ...]]:
    """The resolved project as YAML, and its warnings.

    `assignments` are `NAME=value`; `shared` are names of the cluster's shared volumes, which only
    a cluster knows. Raises UnusableArgument, OSError, or TemplateError with the path of what is
    wrong.
    """
    if not is_project_name(project):
        raise UnusableArgument(f"{project!r} can't name a project: use letters, digits and -")
    environment = dict(map(_assignment, assignments))
    volumes = {name: f"nas/{name}" for name in shared}
    template = compile_template(
        project, _text(path), environment, volumes, warnings_max=WARNINGS_KEPT_MAX
    )
    shown = yaml.safe_dump(_project(project, template), sort_keys=False, allow_unicode=True)
    return shown, template.warnings


def default_project(path: str) -> str:
    """The name of the template's directory, as far as a project can be called so."""
    directory = Path.cwd() if path == _STREAM else Path(path).resolve().parent
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in directory.name)
    return name.strip("-")[:64] or "project"


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == _STREAM else Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnusableArgument(f"{path} is no text in UTF-8") from error


def _assignment(written: str) -> tuple[str, str]:
    name, separator, value = written.partition("=")
    if not name or not separator:
        raise UnusableArgument(f"-e {written}: must be NAME=value")
    return name, value


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
