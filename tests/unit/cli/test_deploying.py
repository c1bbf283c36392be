"""deploy and update: a file becomes a project that runs, or the exit code says that it doesn't."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.stub import Run, Stub, a_container, a_project, a_service, running

SHOP = "/projects/shop"
UPDATE = f"{SHOP}/update"
TEMPLATE = """
services:
  web:
    image: nginx:${TAG:-1}
    environment:
      REGION: ${REGION:-south}
      HERE: ${FROM_HERE:-no}
"""
MISSING = (404, {"message": "Not Found: there is no project shop"})


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the project `shop`, with its file."""
    place = tmp_path / "shop"
    place.mkdir()
    (place / "compose.yml").write_text(TEMPLATE)
    (place / ".vars").write_text("# where\nREGION=north\nTAG=1\n")
    monkeypatch.chdir(place)
    return place


def updating(state: str = "updating", **release: Any) -> dict[str, Any]:
    """The project while it is updated."""
    shown = {"kind": "rolling", "state": state, "version": "2.0", "message": "", **release}
    return a_project(release=shown, operation={"id": "op-1"})


def ended(outcome: str, message: str = "", **changes: Any) -> dict[str, Any]:
    """The project after its release."""
    last = {"kind": "rolling", "outcome": outcome, "version": "2.0", "message": message}
    return a_project(last_release=last, operation={"id": "op-1"}, **changes)


def test_a_new_project_is_created_and_waited_for(
    stub: Stub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_HERE", "yes")
    starting = a_project(a_service(current_state="starting", scale=2, containers={}))
    stub.on("GET", SHOP, MISSING, MISSING, (200, starting), (200, a_project(a_service(scale=2))))
    stub.on("POST", "/projects/", (201, None), running, running, (201, None))
    done = run(
        *("deploy", "-f", "compose.yml", "--env-file", ".vars", "-e", "TAG=2", "-e", "FROM_HERE"),
        *("--version", "1.5", "--description", "Shoes", "--latest-image"),
    )
    (command,) = stub.commands()
    assert command.body == {
        "name": "shop",
        "template": TEMPLATE,
        "environment": {"REGION": "north", "TAG": "2", "FROM_HERE": "yes"},
        "version": "1.5",
        "description": "Shoes",
        "latest_image": True,
    }
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:-1] == [
        "Deploying shop ...",
        "  web: starting, 0 of 2 running",
        "  web: running, 2 of 2 running",
    ]
    assert done.out.splitlines()[-1].startswith("  done: Deploying shop (")


def test_a_name_goes_before_that_of_the_directory_and_files_are_found(stub: Stub, run: Run) -> None:
    stub.on("GET", "/projects/other", MISSING)
    stub.on("POST", "/projects/", (201, None))
    assert run("deploy", "other", "-d").code == 0
    assert stub.commands()[0].body == {"name": "other", "template": TEMPLATE, "environment": {}}


def test_without_a_file_it_is_wrong_usage(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("deploy")
    assert done.code == 2
    assert "-f" in done.err


@pytest.mark.parametrize("option", ["-f", "--env-file"])
def test_a_file_that_is_not_there_is_wrong_usage(stub: Stub, run: Run, option: str) -> None:
    done = run("deploy", option, "nope")
    assert (done.code, stub.asked) == (2, [])
    assert "nope" in done.err


def test_a_project_that_exists_is_updated_and_its_release_waited_for(stub: Stub, run: Run) -> None:
    stub.on(
        "GET",
        SHOP,
        (200, a_project()),
        (200, updating(services={"web": {"updated": 1, "total": 4}})),
        (200, ended("completed")),
    )
    stub.on("POST", UPDATE, (202, None))
    done = run("deploy", "-V", "2.0")
    (command,) = stub.commands()
    assert command.body == {"template": TEMPLATE, "environment": {}, "version": "2.0"}
    assert done.code == 0
    assert done.out.splitlines()[:-1] == [
        "Updating shop ...",
        "  release: rolling to 2.0, updating",
        "  web: running, 1 of 1 running, 1 of 4 updated",
        "  web: running, 1 of 1 running",
    ]


@pytest.mark.parametrize(
    ("shown", "code", "words"),
    [
        (ended("rolled_back", "web 2.0 never was healthy"), 1, "rolled back: web 2.0 never was"),
        (ended("paused", "web 2.0 never was healthy"), 1, "paused: web 2.0 never was healthy"),
        (
            updating("paused", message="2 failed"),
            1,
            "paused: 2 failed; `troopers rollback shop` goes back",
        ),
        (updating("rollback_paused"), 1, "paused: the rollback is paused"),
        (ended("abandoned"), 1, "failed: the release is abandoned"),
    ],
)
def test_a_release_that_does_not_complete_is_a_failure(
    stub: Stub, run: Run, shown: dict[str, Any], code: int, words: str
) -> None:
    # What the project tells before it knows of the command is about an earlier release.
    before = a_project(last_release={"outcome": "completed"})
    stub.on("GET", SHOP, (200, before), (200, before), (200, updating()), (200, shown))
    stub.on("POST", UPDATE, (202, None))
    done = run("update", "shop")
    assert done.code == code
    assert words in done.err


def test_a_failed_release_shows_the_log_of_what_failed(stub: Stub, run: Run) -> None:
    bad = a_container("shop_web_2", health="failure", log_tail=["no config"])
    service = a_service(containers={"a": a_container(log_tail=["all well"]), "b": bad})
    paused = updating("paused", message="unhealthy") | {"services": [service]}
    stub.on("GET", SHOP, (200, a_project()), (200, paused))
    stub.on("POST", UPDATE, (202, None))
    done = run("update", "shop", "--json")
    assert json.loads(done.out)["logs"] == {"shop_web_2": ["no config"]}


def test_blue_green_ends_when_somebody_has_to_decide(stub: Stub, run: Run) -> None:
    waiting = updating("awaiting_confirmation", kind="blue-green")
    stub.on("GET", SHOP, (200, a_project()), (200, updating()), (200, waiting))
    stub.on("POST", UPDATE, (202, None))
    done = run("deploy", "--blue-green")
    assert stub.commands()[0].body["update_method"] == "blue-green"
    assert done.code == 0
    assert "`troopers confirm shop` or `troopers rollback shop`" in done.out


@pytest.mark.parametrize(
    ("options", "version"), [((), "1.1"), (("-V", "3.0"), "3.0")], ids=["counted up", "said"]
)
def test_a_blue_green_update_of_a_project_counts_its_version_up(
    stub: Stub, run: Run, options: tuple[str, ...], version: str
) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    stub.on("POST", UPDATE, (202, None))
    assert run("deploy", "--blue-green", "-d", *options).code == 0
    (command,) = stub.commands()
    assert (command.body["update_method"], command.body["version"]) == ("blue-green", version)


@pytest.mark.parametrize("version", ["", "a b", "1,0", "1:0", "1\n", "1" * 129])
def test_a_version_that_weights_can_t_name_is_wrong_usage(
    stub: Stub, run: Run, version: str
) -> None:
    done = run("deploy", "-V", version)
    assert (done.code, stub.asked) == (2, [])
    assert "comma, colon" in done.err


def test_an_update_that_changes_nothing_ends(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    stub.on("POST", UPDATE, (202, None))
    assert run("update", "shop").code == 0


def test_a_release_that_is_gone_without_a_word_is_no_success(stub: Stub, run: Run) -> None:
    silent = a_project(operation={"id": "op-1"})
    stub.on("GET", SHOP, (200, a_project()), (200, updating()), (200, silent))
    stub.on("POST", UPDATE, (202, None))
    done = run("update", "shop")
    assert done.code == 1
    assert "nothing tells how it ended" in done.err


def test_a_release_may_take_long(stub: Stub, run: Run) -> None:
    looks = [(200, updating()) for _ in range(30)]
    stub.on("GET", SHOP, (200, a_project()), *looks, (200, ended("completed")))
    stub.on("POST", UPDATE, (202, None))
    assert run("update", "shop").code == 0


def test_a_release_that_takes_too_long_ends_with_124(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, a_project()), (200, updating()))
    stub.on("POST", UPDATE, (202, None))
    assert run("update", "shop", "--timeout", "0.1").code == 124


def test_update_never_creates(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, MISSING)
    done = run("update", "shop")
    assert (done.code, done.err) == (1, "error: Not Found: there is no project shop\n")
    assert stub.commands() == []


def test_a_refused_update_is_the_api_s_message_alone(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    stub.on("POST", UPDATE, (409, {"message": "a release is under way"}))
    done = run("deploy")
    assert (done.code, done.out, done.err) == (1, "", "error: a release is under way\n")


PLAN = {
    "changes": [
        {
            "container": "shop_web_1",
            "service": "web",
            "action": "replace",
            "reason": "image changes",
            "node": "n1",
        }
    ],
    "warnings": ["ports: web has a new one"],
}


class TestPlan:
    @staticmethod
    def _knows_plans(stub: Stub, path: str) -> None:
        operation = {"parameters": [{"name": "dry_run", "in": "query"}]}
        stub.on("GET", "/openapi.json", (200, {"paths": {path: {"post": operation}}}))

    @pytest.mark.parametrize("exists", [True, False])
    def test_a_plan_is_shown_and_nothing_else_is_asked_for(
        self, stub: Stub, run: Run, exists: bool
    ) -> None:
        path = UPDATE if exists else "/projects/"
        self._knows_plans(stub, "/projects/{name}/update" if exists else path)
        stub.on("GET", SHOP, (200, a_project()) if exists else MISSING)
        stub.on("POST", path, (200, PLAN))
        done = run("deploy", "--plan")
        assert (done.code, done.err) == (0, "warning: ports: web has a new one\n")
        assert done.out.splitlines() == [
            "container   service  action   node  reason",
            "shop_web_1  web      replace  n1    image changes",
        ]
        (asked,) = stub.commands()
        assert asked.query["dry_run"] == "true"
        assert json.loads(run("deploy", "--plan", "--json").out) == PLAN

    def test_a_server_that_would_ignore_the_wish_is_not_asked(self, stub: Stub, run: Run) -> None:
        stub.on("GET", SHOP, MISSING)
        stub.on("GET", "/openapi.json", (200, {"paths": {"/projects/": {"post": {}}}}))
        done = run("deploy", "--plan")
        assert (done.code, stub.commands()) == (1, [])
        assert "can't show plans" in done.err
