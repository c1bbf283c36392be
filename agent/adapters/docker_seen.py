"""What the engine shows, to what the agent sees. Pure.

Reads only fields that every engine since API 1.41 has: newer ones dropped the address that stood
outside of `NetworkSettings.Networks`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from agent.adapters import docker_labels as label
from agent.domain.observation import SeenContainer, SeenNetwork, SeenVolume
from schemas.states import Health

Shown = Mapping[str, Any]

_HEALTH = {
    "starting": Health.STARTING,
    "healthy": Health.SUCCESS,
    "unhealthy": Health.FAILURE,
}


def seen_container(shown: Shown) -> SeenContainer | None:
    """One container from its inspection; None when its labels name no slot."""
    labels = labels_of(shown)
    key = label.slot_key(labels)
    if key is None:
        return None
    state = shown["State"]
    status = str(state["Status"])
    has_ended = status in {"exited", "dead"}
    # A container that doesn't run keeps the health it had last, which says nothing any more.
    health = (state.get("Health") or {}).get("Status", "") if state.get("Running") else ""
    networks = shown["NetworkSettings"].get("Networks") or {}
    return SeenContainer(
        id=str(shown["Id"]),
        name=name_of(shown),
        key=key,
        status=status,
        fingerprint=labels.get(label.FINGERPRINT, ""),
        version=labels.get(label.VERSION, ""),
        refresh=label.number(labels.get(label.REFRESH, "")),
        epoch=label.number(labels.get(label.EPOCH, "")),
        health=_HEALTH.get(health, Health.NONE),
        image=str(shown["Config"]["Image"]),
        image_id=str(shown["Image"]),
        ip=_ip(networks),
        ports=_ports(shown["NetworkSettings"].get("Ports") or {}),
        created_at=moment(shown["Created"]) or 0.0,
        started_at=moment(state["StartedAt"]),
        finished_at=moment(state["FinishedAt"]) if has_ended else None,
        exit_code=int(state["ExitCode"]) if has_ended else None,
        oom_killed=bool(state["OOMKilled"]),
        volumes=_volumes(shown),
        networks=frozenset(networks),
        mounts=label.mounts(labels),
    )


def listed_container(row: Shown, last: SeenContainer | None) -> SeenContainer | None:
    """One container from its row in the engine's list, and from how it was seen `last`.

    The row has no times, no exit code and no addresses. Those of before go on being shown for as
    long as the row tells of no change.
    """
    labels: dict[str, str] = row.get("Labels") or {}
    key = label.slot_key(labels)
    if key is None:
        return None
    status = str(row["State"])
    if last is not None and last.status == status:
        return replace(last, is_vague=True)
    return SeenContainer(
        id=str(row["Id"]),
        # Others' links to it are names too, with another slash inside.
        name=min(row["Names"], key=lambda name: name.count("/")).removeprefix("/"),
        key=key,
        status=status,
        fingerprint=labels.get(label.FINGERPRINT, ""),
        version=labels.get(label.VERSION, ""),
        refresh=label.number(labels.get(label.REFRESH, "")),
        epoch=label.number(labels.get(label.EPOCH, "")),
        image=str(row["Image"]),
        image_id=str(row["ImageID"]),
        created_at=float(row["Created"]),
        volumes=_volumes(row),
        networks=networks_of(row),
        mounts=label.mounts(labels),
        is_vague=True,
    )


def seen_networks(rows: Iterable[Shown]) -> tuple[SeenNetwork, ...]:
    """Our networks from the engine's list of them."""
    return tuple(
        SeenNetwork(
            row["Id"],
            row["Name"],
            row["Labels"][label.PROJECT],
            row["Labels"].get(label.FINGERPRINT, ""),
        )
        for row in rows
    )


def seen_volumes(rows: Iterable[Shown] | None) -> tuple[SeenVolume, ...]:
    """Our volumes from the engine's list of them, which is null when it is empty."""
    return tuple(
        SeenVolume(
            row["Name"], row["Labels"][label.PROJECT], row["Labels"].get(label.FINGERPRINT, "")
        )
        for row in rows or ()
    )


def labels_of(shown: Shown) -> dict[str, str]:
    """A container's labels."""
    return shown["Config"].get("Labels") or {}


def name_of(shown: Shown) -> str:
    """A container's name, without the engine's leading slash."""
    return str(shown["Name"]).removeprefix("/")


def networks_of(shown: Shown) -> frozenset[str]:
    """The networks that a container has joined, by name."""
    return frozenset(shown["NetworkSettings"].get("Networks") or {})


def moment(text: str) -> float | None:
    """RFC 3339 to seconds since the epoch; None for the year 1, the engine's word for never."""
    at = datetime.fromisoformat(text)
    return None if at.year == 1 else at.timestamp()


def _volumes(shown: Shown) -> frozenset[str]:
    return frozenset(str(mount["Name"]) for mount in shown["Mounts"] if mount["Type"] == "volume")


def _ip(networks: Mapping[str, Shown]) -> str:
    """Any address reaches the container; by the first name, so that it stays the same one."""
    addresses = (networks[name].get("IPAddress") or "" for name in sorted(networks))
    return next((address for address in addresses if address), "")


def _ports(shown: Mapping[str, list[Shown] | None]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Published ports only; the engine lists exposed ones too, without bindings."""
    return {
        port: tuple((str(b["HostIp"]), int(b["HostPort"])) for b in bindings)
        for port, bindings in shown.items()
        if bindings
    }
