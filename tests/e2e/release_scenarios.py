"""`SCENARIOS`: how a release comes into each of its states and is held there, and how it goes on.

Each is a project of its own with one small service, so all of them can be on the cluster at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import docker.errors

from schemas.release import ReleaseKind, ReleaseState
from tests.e2e.fake_router import FakeRouter
from tests.e2e.releasing import Shop, a_web, rolling
from tests.e2e.world import IMAGE, SLEEP, World
from tests.registry import PORT, Registry, release

_S = ReleaseState

#: not up, and not failed either, until somebody makes this file
_GO = "/tmp/up"
HELD: dict[str, Any] = {
    "healthcheck": {
        "test": ["CMD", "test", "-e", _GO],
        "interval": "1s",
        "timeout": "10s",
        "start_period": "600s",
    }
}
CRASHES = {"command": ["sh", "-c", "exit 3"]}
_BROKEN = "/state/broken"
#: what the engine says of one that ended since it was listed
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})


class Relief:
    """Lets containers that are `HELD` become healthy."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._had: set[str] = set()

    def give(self, shop: Shop) -> None:
        """To every container of the project that runs now and hasn't had it."""
        filters = {"label": f"troopers.project={shop.name}", "status": "running"}
        for node in self._world.cluster.nodes:
            with node.engine.client() as client:
                for listed in client.api.containers(filters=filters):
                    if listed["Id"] in self._had:
                        continue
                    try:
                        _run_in(client, listed["Id"], "touch", _GO)
                    except docker.errors.APIError as error:
                        if error.status_code not in _GONE:
                            raise
                    self._had.add(listed["Id"])


class Stage:
    """The cluster, a router and registries that wait when they are told to."""

    def __init__(
        self, world: World, router: FakeRouter, registries: Mapping[str, Registry]
    ) -> None:
        self.world = world
        self.router = router
        self._registries = registries
        self._relief = Relief(world)

    def hold_pulls(self) -> None:
        for registry in self._registries.values():
            registry.pause()

    def let_pulls_go(self) -> None:
        for registry in self._registries.values():
            registry.resume()

    def push(self, reference: str) -> None:
        release(self.world.node("n1").engine, IMAGE, reference, "2")

    def relieve(self, shop: Shop) -> None:
        self._relief.give(shop)

    def repair(self, shop: Shop) -> None:
        """Let the old containers of a project start again."""
        with self.world.node("n1").engine.client() as client:
            _run_in(client, f"{shop.name}_keeper_1", "rm", "-f", _BROKEN)


def _run_in(client: Any, container: str, *words: str) -> None:
    asked = client.api.exec_create(container, list(words))
    client.api.exec_start(asked["Id"])
    assert client.api.exec_inspect(asked["Id"])["ExitCode"] == 0


Step = Callable[[Stage, Shop], None]


def _nothing(_stage: Stage, _shop: Shop) -> None:
    """It goes on by itself."""


@dataclass(frozen=True)
class Scenario:
    """One release in one state."""

    kind: ReleaseKind
    #: what the service is at first and what it is updated to, besides its revision
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)
    deploy: dict[str, Any] = field(default_factory=dict)
    #: other services of the template
    beside: dict[str, Any] = field(default_factory=dict)
    #: what holds it in its state: before it is asked for, and after
    prepare: Step = _nothing
    drive: Step = _nothing
    #: what ends the hold
    let_go: Step = _nothing
    #: where it then waits for somebody, and what that one does
    rests: ReleaseState | None = None
    decide: Step = _nothing
    end: ReleaseState = _S.COMPLETED

    def services(self, project: str, revision: int) -> dict[str, Any]:
        labels = {"aliyun.routing.port_80": f"{project}.example.com"}
        more = self.old if revision == 1 else self.new
        more = {
            key: value.format(project=project) if key == "image" else value
            for key, value in more.items()
        }
        deploy = rolling(2, 1, monitor="1s", **self.deploy)
        web = a_web(revision, labels=labels, deploy=deploy, stop_grace_period="1s", **more)
        return {"web": web, **self.beside}

    def volumes(self) -> dict[str, Any]:
        return {"volumes": {"state": {}}} if self.beside else {}

    def begin(self, stage: Stage, shop: Shop) -> None:
        """Ask for the update, and for whatever else leads to the state."""
        self.prepare(stage, shop)
        method = self.kind.value
        shop.update(self.services(shop.name, 2), "2.0", update_method=method, top=self.volumes())
        self.drive(stage, shop)


def _relieve(stage: Stage, shop: Shop) -> None:
    stage.relieve(shop)


def _confirm(_stage: Stage, shop: Shop) -> None:
    shop.confirm()


def _roll_back(_stage: Stage, shop: Shop) -> None:
    shop.roll_back()


def _awaiting(shop: Shop) -> None:
    shop.wait_for_release(_S.AWAITING_CONFIRMATION)


def _push(stage: Stage, shop: Shop) -> None:
    stage.push(_image(shop))


def _hold_router(stage: Stage, shop: Shop) -> None:
    stage.router.hold(shop.name)


def _let_router_go(stage: Stage, shop: Shop) -> None:
    stage.router.let_go(shop.name)


def _confirmed(_stage: Stage, shop: Shop) -> None:
    _awaiting(shop)
    shop.confirm()


def _rolled_back(_stage: Stage, shop: Shop) -> None:
    _awaiting(shop)
    shop.roll_back()


def _pushed_and_held(stage: Stage, shop: Shop) -> None:
    stage.push(_image(shop))
    stage.hold_pulls()


def _let_pulls_go(stage: Stage, _shop: Shop) -> None:
    stage.let_pulls_go()


def _repaired(stage: Stage, shop: Shop) -> None:
    stage.repair(shop)
    shop.roll_back()


def _image(shop: Shop) -> str:
    return _OF_ITS_OWN["image"].format(project=shop.name)


_OF_ITS_OWN = {"image": f"127.0.0.1:{PORT}/{{project}}:2"}
_BACK = {"failure_action": "rollback"}
_ON_N1 = {"environment": ["constraint:node==n1"], "volumes": ["state:/state"]}
_STD, _BG = ReleaseKind.STANDARD, ReleaseKind.BLUE_GREEN
#: it runs unless it finds the file, and its successor makes that
_FRAGILE = {**_ON_N1, "command": ["sh", "-c", f"test -e {_BROKEN} && exit 3; {SLEEP[2]}"]}
_BREAKS = {**_ON_N1, "command": ["sh", "-c", f"touch {_BROKEN}; exit 3"]}
_KEEPER = {"keeper": {"image": IMAGE, "command": SLEEP, "stop_grace_period": "1s", **_ON_N1}}

SCENARIOS: dict[tuple[ReleaseKind, ReleaseState], Scenario] = {
    (_STD, _S.PULL_FAILED): Scenario(_STD, new=_OF_ITS_OWN, let_go=_push),
    (_STD, _S.UPDATING): Scenario(_STD, new=HELD, let_go=_relieve),
    (_STD, _S.PAUSED): Scenario(
        _STD, new=CRASHES, rests=_S.PAUSED, decide=_roll_back, end=_S.ROLLED_BACK
    ),
    (_STD, _S.ROLLING_BACK): Scenario(
        _STD, old=HELD, new=CRASHES, deploy=_BACK, let_go=_relieve, end=_S.ROLLED_BACK
    ),
    (_STD, _S.ROLLBACK_PAUSED): Scenario(
        _STD,
        old=_FRAGILE,
        new=_BREAKS,
        deploy=_BACK,
        beside=_KEEPER,
        rests=_S.ROLLBACK_PAUSED,
        decide=_repaired,
        end=_S.ROLLED_BACK,
    ),
    (_STD, _S.COMPLETED): Scenario(_STD),
    (_STD, _S.ROLLED_BACK): Scenario(_STD, new=CRASHES, deploy=_BACK, end=_S.ROLLED_BACK),
    # Of a kind the last one: while registries are held, nothing else can be pulled.
    (_STD, _S.PULLING): Scenario(
        _STD, new=_OF_ITS_OWN, prepare=_pushed_and_held, let_go=_let_pulls_go
    ),
    (_BG, _S.PULL_FAILED): Scenario(
        _BG, new=_OF_ITS_OWN, let_go=_push, rests=_S.AWAITING_CONFIRMATION, decide=_confirm
    ),
    (_BG, _S.UPDATING): Scenario(
        _BG, new=HELD, let_go=_relieve, rests=_S.AWAITING_CONFIRMATION, decide=_confirm
    ),
    (_BG, _S.AWAITING_CONFIRMATION): Scenario(_BG, rests=_S.AWAITING_CONFIRMATION, decide=_confirm),
    (_BG, _S.PAUSED): Scenario(
        _BG,
        new={"environment": ["constraint:node==n9"]},
        rests=_S.PAUSED,
        decide=_roll_back,
        end=_S.ROLLED_BACK,
    ),
    (_BG, _S.CONFIRMING): Scenario(
        _BG, prepare=_hold_router, drive=_confirmed, let_go=_let_router_go
    ),
    (_BG, _S.ROLLING_BACK): Scenario(
        _BG,
        prepare=_hold_router,
        drive=_rolled_back,
        let_go=_let_router_go,
        end=_S.ROLLED_BACK,
    ),
    (_BG, _S.COMPLETED): Scenario(_BG, drive=_confirmed),
    (_BG, _S.ROLLED_BACK): Scenario(_BG, drive=_rolled_back, end=_S.ROLLED_BACK),
    (_BG, _S.PULLING): Scenario(
        _BG,
        new=_OF_ITS_OWN,
        prepare=_pushed_and_held,
        let_go=_let_pulls_go,
        rests=_S.AWAITING_CONFIRMATION,
        decide=_confirm,
    ),
}
