import json
import socket
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pytest

from cli.errors import PortTaken
from cli.identity import ProcessIdentity
from cli.listening import answers, free_ports, require_free
from cli.machines import Registration
from cli.netns import LabNetwork


def test_a_taken_port_is_named_together_with_the_variable_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} on 127.0.0.1 .* TROOPERS_X=PORT"):
            require_free("127.0.0.1", port, "TROOPERS_X")


def test_free_ports_differ_and_stay_out_of_the_range_of_outgoing_connections() -> None:
    ports = list(free_ports("127.0.0.1", 20))
    assert len(set(ports)) == 20
    assert max(ports) < 32_768


def test_a_server_with_another_greeting_is_not_taken_for_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert answers("127.0.0.1", port)
        assert not answers("127.0.0.1", port, greeting=b"INFO ", timeout_s=0.1)


def test_networks_never_overlap_and_their_names_fit_the_kernels_15_characters() -> None:
    networks = [LabNetwork(number) for number in (0, 1, 254)]
    assert not any(a.subnet.overlaps(b.subnet) for a, b in combinations(networks, 2))
    assert len(networks[-1].namespace(50).cable) <= 15


def test_every_node_has_its_own_address_on_the_bridges_network() -> None:
    network = LabNetwork(7)
    addresses = [network.namespace(index).address for index in range(1, 51)]
    assert addresses[0] == "10.213.7.11"
    assert len({*addresses, network.address}) == 51


def registration(home: Path, owner: ProcessIdentity, *, is_kept: bool) -> Registration:
    made = Registration(1, 3, str(home), live_restore=False, is_kept=is_kept, owner=asdict(owner))
    return Registration(**json.loads(json.dumps(asdict(made))))


def test_machines_of_a_dead_test_run_are_abandoned_and_a_labs_are_not(tmp_path: Path) -> None:
    dead = ProcessIdentity(pid=1, start_ticks=-1, boot_id="")
    assert registration(tmp_path, dead, is_kept=False).is_abandoned
    assert not registration(tmp_path, dead, is_kept=True).is_abandoned


def test_a_lab_whose_home_was_deleted_is_abandoned(tmp_path: Path) -> None:
    dead = ProcessIdentity(pid=1, start_ticks=-1, boot_id="")
    assert registration(tmp_path / "gone", dead, is_kept=True).is_abandoned
