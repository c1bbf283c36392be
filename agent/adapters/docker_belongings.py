"""A project's networks and local volumes on the engine.

Both are known by name, and a name may be somebody else's: what lacks our label is never changed.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from agent.adapters import docker_labels as label
from agent.adapters.docker_calls import EngineCalls
from agent.errors import ContainerRejected
from schemas.desired import AddressPlan, DesiredNetwork, DesiredVolume
from schemas.fingerprint import network_fingerprint, volume_fingerprint

Shown = Mapping[str, Any]


class Belongings:
    """The changing calls of `ContainerEngine` that are about networks and volumes."""

    def __init__(self, changes: EngineCalls) -> None:
        self._changes = changes
        # Engines before API 1.44 make a second network of the same name when asked twice at once,
        # and then refuse the name as ambiguous for ever.
        self._one_network_at_a_time = asyncio.Lock()

    async def create_network(self, network: DesiredNetwork) -> None:
        doing = f"create network {network.name}"

        def create(client: APIClient) -> Shown | None:
            if (present := network_named(client, network.name)) is not None:
                return present
            client.create_network(
                network.name,
                driver=network.driver,
                options=network.options,
                labels=label.project_labels(
                    network.project, network.labels, network_fingerprint(network)
                ),
                internal=network.internal,
                enable_ipv6=network.enable_ipv6,
                attachable=network.attachable or None,
                ipam=_addresses(network.addresses),
                check_duplicate=True,
            )
            return None

        async with self._one_network_at_a_time:
            present = await self._changes.call(doing, create)
        require_ours(doing, present)

    async def remove_network(self, name: str) -> None:
        await self._remove(f"remove network {name}", network_named, name, APIClient.remove_network)

    async def create_volume(self, volume: DesiredVolume) -> None:
        doing = f"create volume {volume.name}"

        def create(client: APIClient) -> Shown | None:
            # The engine's create answers with a present volume, whosever it is.
            if (present := _volume(client, volume.name)) is not None:
                return present
            client.create_volume(
                volume.name,
                driver=volume.driver,
                driver_opts=volume.options,
                labels=label.project_labels(
                    volume.project, volume.labels, volume_fingerprint(volume)
                ),
            )
            return None

        require_ours(doing, await self._changes.call(doing, create))

    async def remove_volume(self, name: str) -> None:
        await self._remove(f"remove volume {name}", _volume, name, APIClient.remove_volume)

    async def _remove(
        self,
        doing: str,
        find: Callable[[APIClient, str], Shown | None],
        name: str,
        remove: Callable[[APIClient, str], Any],
    ) -> None:
        present = await self._changes.call(doing, lambda c: find(c, name))
        if present is None:
            return
        require_ours(doing, present)

        def remove_if_there(client: APIClient) -> None:
            try:
                remove(client, name)
            except APIError as error:
                if error.status_code != 404:
                    raise

        await self._changes.call(doing, remove_if_there)


def _addresses(plan: AddressPlan | None) -> IPAMConfig | None:
    if plan is None:
        return None
    pools = [
        IPAMPool(
            subnet=pool.subnet or None,
            iprange=pool.ip_range or None,
            gateway=pool.gateway or None,
            aux_addresses=dict(pool.aux_addresses) or None,
        )
        for pool in plan.pools
    ]
    options = dict(plan.options) or None
    return IPAMConfig(driver=plan.driver or "default", pool_configs=pools, options=options)


def network_named(client: APIClient, name: str) -> Shown | None:
    """The network of exactly this name: the engine's own look-up also takes the start of an id."""
    rows = client.networks(names=[name])
    return next((row for row in rows if row["Name"] == name), None)


def _volume(client: APIClient, name: str) -> Shown | None:
    try:
        return client.inspect_volume(name)
    except NotFound:
        return None


def require_ours(doing: str, present: Shown | None) -> None:
    """Raise `ContainerRejected` for what is there and lacks our label."""
    if present is not None and label.PROJECT not in (present["Labels"] or {}):
        raise ContainerRejected(f"{doing}: one that is not ours has this name")
