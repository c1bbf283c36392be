"""For every key: what `docker inspect` shows of our container is what docker-compose's shows."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.docker_specs import creation
from agent.errors import ContainerRejected
from agent.ports import ContainerLabels
from cli.machines import Machines
from compose.keys import SERVICE_KEYS, V1_SERVICE_KEYS, Verdict
from compose.template import compile_template
from schemas.names import SlotKey
from tests.contract.engines import RealTrial
from tests.integration.compose.both import by_docker_compose, by_us, shown
from tests.integration.compose.cases import (
    ASKED,
    CASES,
    DEPLOY,
    ELSEWHERE,
    EXISTING,
    FIRST,
    NAMING,
    SECTIONS,
)

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(170)]

THEIRS, OURS = "theirs", "ours"


def _services(cases: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: {"image": "box:1", **keys} for name, keys in cases.items()}


Seen = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def trial(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealTrial]:
    """The engine that both work on. `spoken:1` has an entrypoint and a command."""
    made = RealTrial(machines[0], tmp_path_factory.mktemp("trial"))
    mouth = made.hand.containers.create("box:1")
    mouth.commit("spoken", "1", conf={"Entrypoint": ["/bin/echo"], "Cmd": ["once"]})
    _clear(made)
    yield made
    _clear(made)
    made.hand.images.remove("spoken:1", force=True)
    made.close()


@pytest.fixture(scope="module")
def seen(trial: RealTrial, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the engine shows of every container, volume and network of both, by name."""
    home = tmp_path_factory.mktemp("compose")
    found: Seen = {}
    for number, template, names in (
        ("", {"version": "2.4", "services": _services(CASES), **SECTIONS}, CASES),
        ("1", _services(FIRST), FIRST),
        ("2", {"version": "2.4", "services": _services(NAMING), **SECTIONS}, NAMING),
        ("3", {"version": "3.7", "services": _services(DEPLOY)}, DEPLOY),
    ):
        _make_what_exists(trial)
        by_docker_compose(
            trial, THEIRS + number, template, home, start=number == "2", compatible=number == "3"
        )
        found |= _look_and_clear(trial, THEIRS + number, names)
        _make_what_exists(trial)
        by_us(trial, OURS + number, template)
        found |= _look_and_clear(trial, OURS + number, names)
    return found


def _make_what_exists(trial: RealTrial) -> None:
    trial.hand.containers.run("box:1", name="elsewhere", volumes=["/shared"], detach=True)
    for name in EXISTING["volumes"]:
        trial.hand.volumes.create(name)
    for name in EXISTING["networks"]:
        trial.hand.networks.create(name)


def _look_and_clear(trial: RealTrial, project: str, names: Iterable[str]) -> Seen:
    """The two projects want the same addresses, so one must go before the other comes."""
    found = {f"{project}_{name}": shown(trial, project, name) for name in names}
    for network in trial.hand.networks.list(filters={"type": "custom"}):
        found[f"network {network.name}"] = _network(network.attrs)
    for volume in trial.hand.volumes.list():
        own = {k: v for k, v in (volume.attrs["Labels"] or {}).items() if "." not in k}
        options = {key: volume.attrs[key] for key in ("Driver", "Options")}
        found[f"volume {volume.name}"] = options | {"Labels": own}
    _clear(trial)
    return found


def _clear(trial: RealTrial) -> None:
    for container in trial.hand.containers.list(all=True):
        container.remove(force=True, v=True)
    trial.hand.networks.prune()
    for volume in trial.hand.volumes.list():
        volume.remove(force=True)


def _network(attributes: dict[str, Any]) -> dict[str, Any]:
    found = {key: attributes[key] for key in ("Driver", "Internal", "Options", "EnableIPv6")}
    own = {key: value for key, value in attributes["Labels"].items() if "." not in key}
    return {**found, "Labels": own, "Pools": attributes["IPAM"]["Config"]}


@pytest.mark.parametrize("case", CASES)
def test_a_container_is_what_docker_compose_makes_of_the_key(seen: Seen, case: str) -> None:
    assert seen[f"{OURS}_{case}"] == seen[f"{THEIRS}_{case}"]


@pytest.mark.parametrize("case", FIRST)
def test_the_same_holds_for_the_first_format(seen: Seen, case: str) -> None:
    ours, theirs = dict(seen[f"{OURS}1_{case}"]), dict(seen[f"{THEIRS}1_{case}"])
    if "net" not in FIRST[case]:
        # The first format has no networks; a project of ours has one for all its services.
        for one in (ours, theirs):
            one.pop("Networks", None)
            one["HostConfig"] = {k: v for k, v in one["HostConfig"].items() if k != "NetworkMode"}
    assert ours == theirs


@pytest.mark.parametrize("case", NAMING)
def test_the_same_holds_for_what_names_another_container(seen: Seen, case: str) -> None:
    assert seen[f"{OURS}2_{case}"] == seen[f"{THEIRS}2_{case}"]


@pytest.mark.parametrize("case", DEPLOY)
def test_the_same_holds_for_what_is_meant_for_swarm_mode(seen: Seen, case: str) -> None:
    assert seen[f"{OURS}3_{case}"] == seen[f"{THEIRS}3_{case}"]


@pytest.mark.parametrize("kind", ["volume", "network"])
def test_a_volume_or_network_is_what_docker_compose_makes_of_it(seen: Seen, kind: str) -> None:
    name = {"volume": "data", "network": "back"}[kind]
    assert seen[f"{kind} {OURS}_{name}"] == seen[f"{kind} {THEIRS}_{name}"]
    assert seen[f"{kind} {OURS}_{name}"]["Labels"] == {"x": "y"}


@pytest.mark.parametrize("case", ASKED)
def test_what_docker_compose_cannot_say_is_asked_of_the_engine(case: str) -> None:
    keys, wanted = ASKED[case]
    template = {"version": "3.13", "services": _services({case: keys})}
    spec = compile_template("shop", json.dumps(template), {}).services[0].spec
    labels = ContainerLabels(SlotKey("shop", case, 1), "", "1", 0, 1, 1)
    asked = creation(spec, labels, "/shares")["HostConfig"]
    assert {field: asked[field] for field in wanted} == wanted


def test_every_key_is_looked_at() -> None:
    honoured = {
        key
        for rules in (SERVICE_KEYS, V1_SERVICE_KEYS)
        for key, rule in rules.items()
        if rule.verdict is Verdict.HONOURED
    }
    compared = {
        key for cases in (CASES, FIRST, NAMING, DEPLOY) for keys in cases.values() for key in keys
    }
    assert honoured - compared - {"image"} == set(ASKED) | set(ELSEWHERE)


def test_a_link_is_found_as_docker_compose_has_it(trial: RealTrial, tmp_path: Path) -> None:
    idle = {"command": ["sleep", "1000"]}
    services = _services({"db": idle, "web": {**idle, "links": ["db:mysql"]}})
    template = {"version": "2.4", "services": services}
    for project in (THEIRS, OURS):
        if project == OURS:
            by_us(trial, project, template)
        else:
            by_docker_compose(trial, project, template, tmp_path, start=True)
        for service in ("db", "web"):
            trial.hand.containers.get(f"{project}_{service}_1").start()
        db = trial.hand.containers.get(f"{project}_db_1").attrs["NetworkSettings"]["Networks"]
        web = trial.hand.containers.get(f"{project}_web_1")
        answer = str(web.exec_run(["nslookup", "mysql"]).output)
        assert db[f"{project}_default"]["IPAddress"] in answer
        _clear(trial)


def test_a_path_in_the_long_form_is_not_made_where_it_is_missing(
    trial: RealTrial, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    mount = {"type": "bind", "source": str(missing), "target": "/a"}
    template = {"version": "2.4", "services": _services({"web": {"volumes": [mount]}})}
    with pytest.raises(subprocess.CalledProcessError):
        by_docker_compose(trial, THEIRS, template, tmp_path)
    with pytest.raises(ContainerRejected):
        by_us(trial, OURS, template)
    assert not missing.exists()
    _clear(trial)
