"""A project as the version before releases left it on an engine, written out.

Labels, bodies and hashes are what that version's own code gave to the engine. They are never
computed anew here: a container on somebody's node isn't either.
"""

from typing import Any

from tests.contract.engines import RealTrial

_COMPOSE = "com.docker.compose"
_SLEEP = ["sleep", "1000"]


def _labels(service: str, fingerprint: str, refresh: str = "0", **more: str) -> dict[str, str]:
    return {
        "troopers.project": "shop",
        "troopers.service": service,
        "troopers.slot": "1",
        "troopers.version": "1.0",
        "troopers.refresh": refresh,
        "troopers.generation": "7",
        "troopers.epoch": "3",
        "troopers.fingerprint": fingerprint,
        f"{_COMPOSE}.project": "shop",
        f"{_COMPOSE}.service": service,
        f"{_COMPOSE}.container-number": "1",
        **more,
    }


def _belonging(fingerprint: str) -> dict[str, str]:
    return {
        "troopers.project": "shop",
        f"{_COMPOSE}.project": "shop",
        "troopers.fingerprint": fingerprint,
    }


_PLAIN = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
_INTERNAL = "c2c801ef2e6bae9761370f9fab09febf9e0e3ec44da3dcbf31b5f229b64420c0"

#: name -> labels, and whether it is internal
NETWORKS = {"shop_default": (_belonging(_PLAIN), False), "shop_back": (_belonging(_INTERNAL), True)}
VOLUMES = {"shop_data": _belonging(_PLAIN)}


def _body(labels: dict[str, str], host: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"RestartPolicy": {"Name": "no"}, "PortBindings": {}}
    return {
        "Image": "box:1",
        "Cmd": _SLEEP,
        "Env": [],
        "Labels": labels,
        "ExposedPorts": {},
        "Tty": False,
        "OpenStdin": False,
        "HostConfig": plain | host,
        "NetworkingConfig": {"EndpointsConfig": {}},
    } | more


def _in_default(*aliases: str) -> dict[str, Any]:
    return {"EndpointsConfig": {"shop_default": {"Aliases": list(aliases)}}}


_DATA = {
    "Type": "volume",
    "Source": "shop_data",
    "Target": "/data",
    "ReadOnly": False,
    "VolumeOptions": {
        "Labels": {"troopers.project": "shop", f"{_COMPOSE}.project": "shop"},
    },
}

#: container -> the body of its create request, in the order in which they were made
BODIES: dict[str, dict[str, Any]] = {
    "shop_db_1": _body(
        _labels("db", "d50ede1063a228923deb4c74367b7102e60fd2460627ee3c8024285d4af59c32"),
        {"NetworkMode": "shop_default", "Mounts": [_DATA]},
        NetworkingConfig=_in_default("db"),
    ),
    "shop_proxy_1": _body(
        _labels("proxy", "299ab1b895a1f4c2c970b1a6377db46235cf261c06b78f5ce8e1587547b475d4"),
        {"NetworkMode": "container:shop_db_1"},
    ),
    "shop_backup_1": _body(
        _labels("backup", "5e2e9397b360272dbbd4ffaf2608c18b326b694ae8978065104841c3db0f35b6"),
        {"NetworkMode": "shop_default", "VolumesFrom": ["shop_db_1:ro"]},
        NetworkingConfig=_in_default("backup"),
    ),
    "shop_web_1": _body(
        _labels(
            "web",
            "4bee6df2ca6756e88b0e5d0092b5df29a1d76d4d877a729ca10a06ce6cd2eb2b",
            refresh="1",
            mine="yes",
            **{"troopers.networks": '[{"name": "shop_back", "aliases": ["web"]}]'},
        ),
        {
            "NetworkMode": "shop_default",
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "18090"}]},
            "Memory": 67108864,
        },
        NetworkingConfig=_in_default("web", "www"),
        Env=["MODE=prod", "EMPTY="],
        ExposedPorts={"80/tcp": {}},
        Healthcheck={"Interval": 30000000000, "Test": ["CMD", "true"], "Retries": 2},
        StopTimeout=3,
    ),
}


def make(real: RealTrial) -> None:
    """Make and start all of it, by hand."""
    api = real.hand.api
    for name, (labels, is_internal) in NETWORKS.items():
        api.create_network(name, driver="bridge", labels=labels, internal=is_internal)
    for name, labels in VOLUMES.items():
        api.create_volume(name, driver="local", labels=labels)
    for name, body in BODIES.items():
        api.create_container_from_config(body, name)
    api.connect_container_to_network("shop_web_1", "shop_back", aliases=["web"])
    for name in BODIES:
        api.start(name)
