"""confirm, rollback, weight, history, diff."""

import json
from typing import Any

import pytest

from tests.unit.cli.stub import Run, Stub, a_project

SHOP = "/projects/shop"
CONFIRM, ROLLBACK = f"{SHOP}/confirm-update", f"{SHOP}/rollback-update"
WAITING = a_project(
    release={"kind": "blue-green", "state": "awaiting_confirmation", "version": "2.0"}
)


def ended(outcome: str, kind: str = "blue-green") -> dict[str, Any]:
    last = {"kind": kind, "outcome": outcome, "version": "2.0", "message": "because"}
    return a_project(last_release=last, operation={"id": "op-1"})


@pytest.mark.parametrize(
    ("arguments", "force"),
    [(["confirm", "shop"], "true"), (["confirm", "shop", "--keep-weights"], "false")],
)
def test_confirming_waits_until_the_old_version_is_gone(
    stub: Stub, run: Run, arguments: list[str], force: str
) -> None:
    still = WAITING | {"operation": {"id": "op-1"}}
    stub.on("GET", SHOP, (200, WAITING), (200, still), (200, ended("completed")))
    stub.on("POST", CONFIRM, (202, None))
    assert run(*arguments).code == 0
    (command,) = stub.commands()
    assert command.query["force"] == force


@pytest.mark.parametrize(
    ("arguments", "shown", "code"),
    [
        (["confirm", "shop"], ended("rolled_back"), 1),
        (["rollback", "shop"], ended("rolled_back"), 0),
        (["rollback", "shop"], ended("completed"), 1),
        (["rollback", "shop"], ended("completed", "rollback"), 0),
        (["rollback", "shop", "--to", "17"], ended("completed", "rollback"), 0),
        (["rollback", "shop", "--to", "r17"], ended("rolled_back", "rollback"), 1),
    ],
)
def test_what_was_wanted_is_0_and_the_opposite_is_1(
    stub: Stub, run: Run, arguments: list[str], shown: dict[str, Any], code: int
) -> None:
    stub.on("GET", SHOP, (200, WAITING), (200, shown))
    stub.on("POST", CONFIRM, (202, None))
    stub.on("POST", ROLLBACK, (202, None))
    assert run(*arguments).code == code
    (command,) = stub.commands()
    assert command.query.get("to") == ("17" if "--to" in arguments else None)


def test_nothing_to_confirm_is_the_api_s_refusal(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    stub.on("POST", CONFIRM, (409, {"message": "no update awaits confirmation"}))
    done = run("confirm", "shop")
    assert (done.code, done.err) == (1, "error: no update awaits confirmation\n")


def test_a_project_that_goes_meanwhile_is_a_failure(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, WAITING), (404, {"message": "Not Found"}))
    stub.on("POST", CONFIRM, (202, None))
    done = run("confirm", "shop")
    assert done.code == 1
    assert "shop is gone" in done.err


def test_weights_go_by_service_and_version(stub: Stub, run: Run) -> None:
    stub.on("PUT", f"{SHOP}/weights", (200, None))
    done = run("weight", "shop", "web=1.0:90,2.0:10", "api=a:b:100")
    assert (done.code, done.err) == (0, "")
    assert stub.commands()[0].body == {"web": {"1.0": 90, "2.0": 10}, "api": {"a:b": 100}}
    assert done.out.splitlines()[0] == "web: 1.0 90, 2.0 10"


@pytest.mark.parametrize("wrong", ["web", "web=", "=v1:1", "web=v1", "web=v1:-1", "web=v1:1,v1:2"])
def test_weights_that_can_t_be_meant_are_wrong_usage(stub: Stub, run: Run, wrong: str) -> None:
    assert run("weight", "shop", wrong).code == 2
    assert stub.asked == []


@pytest.mark.parametrize("weight", ["99999999999", "1000001", "-1", "1.5", "x", ""])
def test_a_weight_that_is_none_is_told_its_bounds(stub: Stub, run: Run, weight: str) -> None:
    done = run("weight", "shop", f"web=1.0:{weight}")
    assert (done.code, stub.asked) == (2, [])
    assert "the weight of 1.0 must be a whole number from 0 to 1000000" in done.err


def test_nothing_for_a_weight_is_shown_as_nothing(run: Run) -> None:
    assert run("weight", "shop", "").err.startswith("error: '': must be SERVICE=VERSION:WEIGHT")


REVISIONS = [
    {"number": 16, "version": "1.0", "created": "2026-11-01T10:00:00Z", "outcome": "completed"},
    {"number": 17, "version": "1.5", "created": "2026-11-02T10:00:00Z", "outcome": "rolled_back"},
    {
        "number": 18,
        "version": "2.0",
        "created": "2026-11-03T10:00:00Z",
        "outcome": "completed",
        "description": "new",
        "current": True,
    },
]


@pytest.fixture
def revisions(stub: Stub) -> None:
    stub.on("GET", f"{SHOP}/revisions", (200, REVISIONS))
    for each in REVISIONS:
        whole = {
            **each,
            "template": f"web:\n  image: web:{each['version']}\n",
            "environment": {"A": "1", "VERSION": each["version"]},
        }
        stub.on("GET", f"{SHOP}/revisions/{each['number']}", (200, whole))


@pytest.mark.usefixtures("revisions")
class TestRevisions:
    def test_history_is_a_table_that_marks_the_current_one(self, run: Run) -> None:
        lines = run("history", "shop").out.splitlines()
        assert lines[0].split() == ["revision", "version", "created", "outcome", "description"]
        assert lines[2].split() == ["r17", "1.5", "2026-11-02T10:00:00Z", "rolled", "back"]
        assert lines[3].split()[:2] == ["r18", "(current)"]
        assert json.loads(run("history", "shop", "--json").out) == REVISIONS

    @pytest.mark.parametrize(
        ("arguments", "old", "new"),
        [([], ("17", "1.5"), ("18", "2.0")), (["r16"], ("16", "1.0"), ("18", "2.0")),
         (["16", "r17"], ("16", "1.0"), ("17", "1.5"))],
    )  # fmt: skip
    def test_diff_shows_template_and_environment(
        self, run: Run, arguments: list[str], old: tuple[str, str], new: tuple[str, str]
    ) -> None:
        assert run("diff", "shop", *arguments).out.splitlines() == [
            f"--- r{old[0]}/template",
            f"+++ r{new[0]}/template",
            "@@ -1,2 +1,2 @@",
            " web:",
            f"-  image: web:{old[1]}",
            f"+  image: web:{new[1]}",
            f"--- r{old[0]}/environment",
            f"+++ r{new[0]}/environment",
            "@@ -1,2 +1,2 @@",
            " A=1",
            f"-VERSION={old[1]}",
            f"+VERSION={new[1]}",
        ]

    def test_a_revision_is_a_number(self, run: Run) -> None:
        assert run("diff", "shop", "seventeen").code == 2

    def test_what_was_never_updated_has_no_difference(self, stub: Stub, run: Run) -> None:
        stub.on("GET", f"{SHOP}/revisions", (200, REVISIONS[-1:]))
        done = run("diff", "shop")
        assert (done.code, done.err) == (1, "error: shop has no earlier revision than r18\n")
