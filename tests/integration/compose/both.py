"""The same template by docker-compose 1.29.2 and by us, on one engine; and what it shows of both."""

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.ports import ContainerLabels
from compose.template import compile_template
from coordinator.releases.specs import Surroundings, resolved
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from tests.contract.engines import RealTrial

Shown = dict[str, Any]

#: What our rules make differently on purpose, and where it is written.
EXCEPTIONS = {
    ("HostConfig", "RestartPolicy"): "the agent restarts: docs/adr/0002",
    ("Config", "Labels"): "each has its own; the template's are compared apart",
    ("Config", "AttachStdout"): "docker-compose would show the output of what it starts",
    ("Config", "AttachStderr"): "the same",
    ("Config", "Volumes"): "how a mount was asked for, not what is mounted",
    ("HostConfig", "Binds"): "the same",
    ("HostConfig", "Mounts"): "the same",
    ("HostConfig", "Isolation"): "a Linux engine has one only",
    ("HostConfig", "Links"): "a link is a name of its target in the project's network",
    ("Config", "StopTimeout"): "docker-compose keeps it to itself, so that docker stop never knows",
}


def by_docker_compose(
    trial: RealTrial,
    project: str,
    template: Mapping[str, Any],
    home: Path,
    *,
    start: bool = False,
    compatible: bool = False,
) -> None:
    """Create every container of the template.

    What names another container needs `start`: docker-compose leaves it out otherwise. What is
    meant for Swarm mode is read if it has to be `compatible`.
    """
    path = home / f"{project}.json"
    path.write_text(json.dumps(template))
    subprocess.run(
        [
            "docker-compose",
            *(["--compatibility"] if compatible else []),
            *("-p", project, "-f", str(path), "up", "-d" if start else "--no-start"),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=150,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_HOST": trial.url},
    )


def by_us(trial: RealTrial, project: str, template: Mapping[str, Any]) -> None:
    """The same with the agent's adapter."""
    asyncio.run(_create(trial, project, template))


async def _create(trial: RealTrial, project: str, template: Mapping[str, Any]) -> None:
    found = compile_template(project, json.dumps(template), {})
    for network in found.networks:
        await trial.engine.create_network(network)
    for volume in found.volumes:
        await trial.engine.create_volume(volume)
    # One level of dependencies is all that the templates here have.
    for service in sorted(found.services, key=lambda one: bool(one.depends_on)):
        key = SlotKey(project, service.name, 1)
        spec = resolved(service.spec, Surroundings(project, lambda _: "", ()))
        labels = ContainerLabels(key, fingerprint(spec), "1", 0, 1, 1)
        await trial.engine.create(str(key), spec, labels)


def shown(trial: RealTrial, project: str, service: str) -> Shown:
    """What `docker inspect` says, without names and ids that must differ."""
    found = trial.hand.api.inspect_container(f"{project}_{service}_1")
    networks = found["NetworkSettings"]["Networks"]
    ids = {row["Id"]: row["Names"][0].lstrip("/") for row in trial.hand.api.containers(all=True)}
    config = dict(found["Config"])
    # Nobody asked for these: a container is called by its id, or by that of its network's owner.
    if config["Hostname"] in {container_id[:12] for container_id in ids}:
        config["Hostname"] = ""
    host = dict(found["HostConfig"])
    # A map in the template: its order means nothing.
    host["Ulimits"] = sorted(host["Ulimits"] or (), key=str)
    whole: dict[str, Any] = {
        "Config": config,
        "HostConfig": host,
        "Mounts": sorted(map(_mount, found["Mounts"]), key=str),
        "Networks": {name: _endpoint(one, found["Id"]) for name, one in networks.items()},
        "Labels": {
            name: value
            for name, value in config["Labels"].items()
            if not name.startswith(("com.docker.compose.", "troopers."))
        },
    }
    for section, field in EXCEPTIONS:
        whole[section].pop(field, None)
    return dict(_plain(whole, ids, project))


def _mount(mount: Shown) -> Shown:
    # How it was asked for shows in Mode; what it is does not. An anonymous name is random.
    found = {key: value for key, value in mount.items() if key not in {"Mode", "Source"}}
    if mount["Type"] == "bind":
        found["Source"] = mount["Source"]
    if len(mount.get("Name", "")) == 64:
        found["Name"] = ""
    return found


def _endpoint(endpoint: Shown, container_id: str) -> Shown:
    aliases = set(endpoint["Aliases"] or ()) - {container_id[:12]}
    return {
        "Aliases": sorted(aliases),
        "IPAMConfig": endpoint["IPAMConfig"],
        "Links": endpoint["Links"],
    }


def _plain(value: Any, ids: Mapping[str, str], project: str) -> Any:
    """Nothing, empty and absent are one; ids are names; the project's name is the same."""
    if isinstance(value, dict):
        plain = {_plain(k, ids, project): _plain(item, ids, project) for k, item in value.items()}
        return {key: item for key, item in plain.items() if item}
    if isinstance(value, list):
        return [_plain(item, ids, project) for item in value]
    if isinstance(value, str):
        for container_id, name in ids.items():
            value = value.replace(container_id, name)
        return value.replace(f"{project}_", "PROJECT_")
    return value
