"""`ls`, `ps` and `inspect`: what there is. Reads: the API. Writes: standard output."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from cli.client import Client
from cli.names import Name
from cli.operations import about
from cli.options import AsJson, connected
from cli.pictures import container_name, mapping, picture, release
from cli.progress import release_words
from cli.screen import Screen

_PROJECT_COLUMNS = ("name", "version", "state", "services", "running", "notes")
_CONTAINER_COLUMNS = ("name", "service", "node", "status", "health", "ports", "version")

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only names, one a line.")]


def add_listing(app: typer.Typer, screen: Screen) -> None:
    """Make the commands."""

    @app.command()
    @connected
    def ls(
        client: Client,
        q: Annotated[str, typer.Option("--filter", help=about("list_projects", "q"))] = "",
        quiet: Quiet = False,
        as_json: AsJson = False,
    ) -> None:
        """Show all projects."""
        projects = client.read("list_projects", q=q or None)
        if as_json:
            screen.json(projects)
        elif quiet:
            screen.say(*(str(each.get("name", "")) for each in projects))
        else:
            screen.table("", _PROJECT_COLUMNS, [_project_row(each) for each in projects])

    @app.command()
    @connected
    def ps(
        client: Client,
        project: Annotated[
            str, typer.Argument(help="A project, or a service such as shop_web; else all.")
        ] = "",
        quiet: Quiet = False,
        as_json: AsJson = False,
    ) -> None:
        """Show containers."""
        rows = [row for service in _services(client, project) for row in _containers(service)]
        if as_json:
            screen.json(rows)
        elif quiet:
            screen.say(*(row["name"] for row in rows))
        else:
            screen.table("", _CONTAINER_COLUMNS, [_container_row(row) for row in rows])

    @app.command()
    @connected
    def inspect(
        client: Client,
        name: Annotated[str, typer.Argument(help="A project, or a service such as shop_web.")],
    ) -> None:
        """Show a project or a service as JSON."""
        if Name.of(name).service:
            screen.json(client.read("inspect_service", service_id=name))
        else:
            screen.json(client.read("view_project", name=name))


def _services(client: Client, name: str) -> list[Mapping[str, Any]]:
    if not name:
        found: list[Mapping[str, Any]] = client.read("list_services")
        return found
    if Name.of(name).service:
        return [client.read("inspect_service", service_id=name)]
    return list(client.read("view_project", name=name).get("services") or ())


def _project_row(view: Mapping[str, Any]) -> tuple[str, ...]:
    seen = picture(view)
    running = sum(each.running for each in seen.services)
    # A service on all nodes is as many as there are.
    wanted = sum(each.running if each.wanted is None else each.wanted for each in seen.services)
    under_way = release(view.get("release"))
    notes = [release_words(under_way)] if under_way else []
    if doubt := view.get("record"):
        notes.append(f"record {doubt}".replace("_", " "))
    cells = (str(view.get(field, "")) for field in ("name", "version", "current_state"))
    return (*cells, str(len(seen.services)), f"{running}/{wanted}", ", ".join(notes))


def _containers(service: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The containers of a service by name, as one flat record each."""
    containers = mapping(service.get("containers"))
    for key, each in sorted(containers.items(), key=lambda item: _natural(item[1])):
        yield {
            **each,
            "id": key,
            "name": container_name(each),
            "service": str(service.get("name", "")),
            "project": str(service.get("project", "")),
            "version": str(each.get("version") or service.get("version", "")),
        }


def _container_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    more = f" ({row['status_ext']})" if row.get("status_ext") else ""
    return (
        row["name"],
        row["service"],
        str(row.get("node_name") or row.get("node", "")),
        f"{row.get('status', '')}{more}",
        str(row.get("health", "")),
        ", ".join(_ports(mapping(row.get("ports")))),
        row["version"],
    )


def _ports(ports: Mapping[str, Any]) -> Iterator[str]:
    for port, places in ports.items():
        for place in places or ():
            address = str(place.get("host_ip", ""))
            shown = f"[{address}]" if ":" in address else address
            yield f"{shown}:{place.get('host_port', '')}->{port}"
        if not places:
            yield str(port)


def _natural(view: Mapping[str, Any]) -> tuple[str, int]:
    """So that shop_web_10 comes after shop_web_9."""
    start, _, number = container_name(view).rpartition("_")
    return (start, int(number)) if number.isdecimal() else (container_name(view), 0)
