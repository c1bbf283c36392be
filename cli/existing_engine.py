"""Finds the Docker Engine that already runs on this machine."""

import os
from pathlib import Path

from cli.engine import Engine
from cli.errors import CommandFailed
from cli.identity import PROC, all_pids
from cli.waiting import wait_until

_DEFAULT = "unix:///var/run/docker.sock"


def find_engine(chosen_url: str | None, *, wait_s: float = 0) -> Engine | None:
    """The engine at the chosen URL, at DOCKER_HOST if that is local, or at the usual place.

    Raises CommandFailed if the chosen one doesn't answer, or if one runs in our network namespace
    that answers nowhere we know: a second one would fight with it over bridge and firewall.
    """
    docker_host = os.environ.get("DOCKER_HOST", "")
    urls = [chosen_url] if chosen_url else [docker_host, _DEFAULT]
    engines = [Engine(url) for url in urls if url.startswith("unix://")]
    found: list[Engine] = []

    def one_answers() -> bool:
        found.extend(engine for engine in engines if engine.answers())
        return bool(found)

    if wait_until(one_answers, wait_s, poll_s=0.3):
        return found[0]
    if chosen_url:
        raise CommandFailed(f"no Docker Engine answers at {chosen_url} (TROOPERS_ENGINE_URL)")
    for engine in engines:
        socket = Path(engine.url.removeprefix("unix://"))
        if socket.exists() and not os.access(socket, os.W_OK):
            raise CommandFailed(
                f"this user may not use {socket}; join the group docker, or be root"
            )
    stranger = _dockerd_beside_us()
    if stranger is not None:
        raise CommandFailed(
            f"a Docker Engine runs (pid {stranger}) but does not answer at {_DEFAULT};"
            " say where it does with TROOPERS_ENGINE_URL=unix://PATH",
        )
    return None


def _dockerd_beside_us() -> int | None:
    """The pid of a dockerd in our own network namespace."""
    ours = Path("/proc/self/ns/net").readlink()
    for pid in all_pids():
        process = PROC / str(pid)
        try:
            is_dockerd = (process / "comm").read_text().strip() == "dockerd"
            if is_dockerd and (process / "ns/net").readlink() == ours:
                return pid
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return None
