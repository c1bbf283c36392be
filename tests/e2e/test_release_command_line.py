"""Updates from the command line: what it says, and what it exits with."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.release import ReleaseState
from tests.e2e.command_line import troopers
from tests.e2e.releasing import Shop, a_web, names, rolling, template
from tests.e2e.world import World

FAILS = {"command": ["sh", "-c", "exit 3"]}


class Directory:
    """A directory with a Compose file, in which somebody types."""

    def __init__(self, path: Path, world: World) -> None:
        self.path = path
        self._world = world

    def write(self, revision: int, action: str = "pause", **more: Any) -> None:
        deploy = rolling(2, 1, failure_action=action, monitor="1s")
        services = {"web": a_web(revision, deploy=deploy, **more), "db": a_web(0)}
        (self.path / "compose.yml").write_text(template(services))

    def type(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        ended = troopers(self._world, *words, cwd=self.path)
        return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def here(world: World, tmp_path: Path) -> Directory:
    return Directory(tmp_path, world)


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


@pytest.mark.long
def test_deploy_creates_then_updates_and_each_command_ends_when_it_is_done(
    here: Directory, shop: Shop
) -> None:
    here.write(1)
    code, said, wrong = here.type("deploy", "shop", "-V", "1.0")
    assert (code, wrong) == (0, ""), said
    assert set(shop.ids()) == names("web", 2) | names("db", 1)
    here.write(2)
    code, said, wrong = here.type("deploy", "shop")
    assert (code, wrong) == (0, ""), said
    assert (shop.shown["version"], shop.state) == ("1.1", ReleaseState.COMPLETED)

    here.write(3)
    code, said, wrong = here.type("deploy", "shop", "-V", "3.0", "--blue-green", "--json")
    assert (code, json.loads(said)["result"]) == (0, "awaiting_confirmation"), (said, wrong)
    assert set(shop.ids()) == names("web", 2) | names("web", 2, "r3") | names("db", 1)
    code, said, wrong = here.type("rollback", "shop", "--json")
    assert (code, json.loads(said)["result"]) == (0, "done"), (said, wrong)
    assert set(shop.ids()) == names("web", 2) | names("db", 1)

    code, said, wrong = here.type("deploy", "shop", "-V", "3.0", "--blue-green")
    assert code == 0, (said, wrong)
    code, said, wrong = here.type("confirm", "shop")
    assert (code, wrong) == (0, ""), said
    assert set(shop.ids()) == names("web", 2, "r4") | names("db", 1)
    code, said, _ = here.type("history", "shop", "--json")
    assert code == 0
    assert [each["outcome"] for each in json.loads(said)] == [
        "completed",
        "completed",
        "rolled_back",
        "completed",
    ]


@pytest.mark.parametrize(("action", "result"), [("pause", "paused"), ("rollback", "rolled_back")])
def test_a_deploy_whose_containers_fail_exits_with_one_and_says_why(
    here: Directory, shop: Shop, action: str, result: str
) -> None:
    here.write(1, action)
    assert here.type("deploy", "shop")[0] == 0
    here.write(2, action, **FAILS)
    code, said, wrong = here.type("deploy", "shop", "--json")
    assert code == 1, (said, wrong)
    ended = json.loads(said)
    assert ended["result"] == result
    assert "web" in ended["message"]
    assert shop.state == result


@pytest.mark.long
def test_what_the_api_refuses_exits_with_one_and_prints_nothing(
    here: Directory, shop: Shop
) -> None:
    here.write(1)
    assert here.type("deploy", "shop", "-V", "1.0")[0] == 0
    for words in (["confirm", "shop"], ["rollback", "shop"], ["deploy", "shop", "-V", "1.0"]):
        code, said, wrong = here.type(*words, "--json")
        assert (code, said) == (1, ""), wrong
        assert "shop" in wrong
    assert shop.shown["revision"] == 1
