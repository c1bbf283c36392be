"""Hashes that containers on engines carry. A release that computes another one replaces them all."""

import pytest

from coordinator.releases.specs import Surroundings, resolved
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.fingerprint import fingerprint, network_fingerprint, spec_key, volume_fingerprint
from schemas.service import (
    Device,
    Healthcheck,
    InlineFile,
    Logging,
    NetworkAttachment,
    Port,
    Probe,
    Restart,
    ServiceSpec,
    Ulimit,
    VolumeMount,
)

PLAIN = "00ec458011d2178e31f0ae64d2568ae64fb80dfe5537ad78af111eade45c6190"
IN_DB = "115c236b6117170f63f180137563093579002fdc8e31923e60c3877398902750"
BESIDE_DB = "8ee798c36ea6f35086ef8cc505d5ce536f5b432447086bd5432e2e8e8a046047"
WITH_DBS_VOLUMES = "44c65f9f4c437cc4246d3abacac00ae8aa416bc2a87a091d3d5a547cac77514c"

#: what a spec says beside its image, and the hash as the version before releases computed it
RECORDED = {
    PLAIN: {},
    "510009b5f59ecbe7e0d802542e6eabce824e4c5fbb61f1f65efe70111a961563": {
        "command": ("a", "b"),
        "entrypoint": (),
    },
    "5255c657f5ed2a4b52a52d2ee9f403515db48161623a1308d86e57e72bcbce43": {
        "environment": {"B": "2", "A": "1"},
        "labels": {"x": "y"},
    },
    "3d9e1dd1ae9503b2b40717b6f49df5022bf4a07e55f5f9c45724f0ae710fc0cd": {
        "networks": (
            NetworkAttachment(name="shop_default", aliases=("web",)),
            NetworkAttachment(name="shop_back", ipv4_address="10.9.0.5", links=("a:b",)),
        )
    },
    IN_DB: {"network_mode": "container:shop_db_1"},
    BESIDE_DB: {"pid_mode": "container:shop_db_1", "ipc_mode": "container:shop_db_1"},
    WITH_DBS_VOLUMES: {"volumes_from": ("shop_db_1:ro", "other_1:rw")},
    "8a34293ced18e5d9b8f5637b58c4b777803e8f12ff50210116779aa8d8339bfb": {
        "volumes": (
            VolumeMount(type="volume", source="shop_db", target="/db"),
            VolumeMount(type="bind", source="/srv", target="/srv", read_only=True),
            VolumeMount(type="cluster", source="nas/photos", target="/p", sub_path="2024"),
            VolumeMount(type="tmpfs", target="/t", tmpfs_size_bytes=1024),
        )
    },
    "8f3169f8704199a73e2e5e509c9af6a0ad5b28721a8fd93f642a0ca02962858b": {
        "ports": (
            Port(container_port=80),
            Port(container_port=53, protocol="udp", host_ip="127.0.0.1", host_port=53),
        ),
        "expose": ("99",),
    },
    "a6be9f304ce4c272dfd18ca15c1b0fb5a519617c038c15592138a29fc369187f": {
        "files": (InlineFile(target="/run/secrets/a", content="s", uid=1),)
    },
    "824ea648149c99be6524870a53efde1d207fd643d189e438557dad51c6b7bdad": {
        "healthcheck": Healthcheck(
            test=("CMD-SHELL", "x"), interval_s=5.0, timeout_s=1.0, retries=3, start_period_s=2.0
        )
    },
    "90359fde5a3047787018100e817b303a075f086d2bf643e8f50a9104e2b897f8": {
        "mem_limit_bytes": 2**26,
        "cpus": 0.5,
        "cpu_shares": 512,
        "pids_limit": 100,
        "ulimits": (Ulimit(name="nofile", soft=1, hard=2),),
    },
    "1e6ac3a14d11540ccf4ec61b56d6b0f6a1957986508ffdb21f29c4d3d2995b3d": {
        "privileged": True,
        "cap_add": ("NET_ADMIN",),
        "read_only": True,
        "user": "1000",
        "devices": (Device(source="/dev/a", target="/dev/b"),),
    },
    "29887e398768eba097057a548f3a7bce8b2f7152ebe0be0e83b36b523f367faf": {
        "stop_signal": "SIGINT",
        "stop_grace_s": 2.5,
    },
    "ad536efb97510a97c92bf050fdae2068b704ce355f5bdf9796ca6b88fa2d7fa5": {
        "logging": Logging(driver="json-file", options={"max-size": "1m"})
    },
}


@pytest.mark.parametrize(("recorded", "fields"), RECORDED.items())
def test_a_spec_has_the_fingerprint_that_it_had(recorded: str, fields: dict[str, object]) -> None:
    spec = ServiceSpec.model_validate({"image": "web:1", **fields})
    assert fingerprint(spec) == recorded
    assert spec_key(spec) == recorded


def test_a_probe_and_a_restart_policy_are_in_the_key_alone() -> None:
    spec = ServiceSpec(image="web:1", probe=Probe(url="http:80/"), restart=Restart(policy="no"))
    assert fingerprint(spec) == PLAIN
    assert spec_key(spec) == "300143a6d3f737219d16863a9e92300ea8aa8017ba1e943c7cd5aecd22316ad8"


@pytest.mark.parametrize(
    ("recorded", "symbols"),
    [
        (IN_DB, {"network_mode": "service:db"}),
        (BESIDE_DB, {"pid_mode": "service:db", "ipc_mode": "service:db"}),
        (WITH_DBS_VOLUMES, {"volumes_from": ("service:db:ro", "other_1:rw")}),
    ],
)
def test_a_symbol_has_the_fingerprint_of_the_name_that_it_stands_for(
    recorded: str, symbols: dict[str, object]
) -> None:
    spec = ServiceSpec.model_validate({"image": "web:1", **symbols})
    assert fingerprint(resolved(spec, Surroundings("shop", lambda _: "", ()))) == recorded


@pytest.mark.parametrize(
    ("recorded", "fields"),
    [
        ("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", {}),
        (
            "9ec6041fcf3c411bc68a9f158fcf8ba60fa3415902154b644860e77f46573fa7",
            {"internal": True, "options": {"a": "b"}},
        ),
    ],
)
def test_a_network_has_the_fingerprint_that_it_had(
    recorded: str, fields: dict[str, object]
) -> None:
    network = DesiredNetwork.model_validate({"project": "shop", "name": "x", **fields})
    assert network_fingerprint(network) == recorded


@pytest.mark.parametrize(
    ("recorded", "fields"),
    [
        ("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", {}),
        (
            "3f3e5dc52ae1b02b23d506ccc6e1dc6a2c91f5a4dd0b2fb4aa12808976c62a1b",
            {"options": {"type": "nfs"}},
        ),
    ],
)
def test_a_volume_has_the_fingerprint_that_it_had(recorded: str, fields: dict[str, object]) -> None:
    volume = DesiredVolume.model_validate({"project": "shop", "name": "x", **fields})
    assert volume_fingerprint(volume) == recorded
