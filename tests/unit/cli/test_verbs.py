"""start, stop, kill, redeploy, rm, scale: what is sent, what is waited for, how it ends."""

import json
import signal
import threading

import pytest

from schemas.routes import ROUTES
from tests.unit.cli.stub import Asked, Run, Stub, a_container, a_project, a_service, running

SHOP = "/projects/shop"
STOPPED = a_project(
    a_service(current_state="stopped", desired_state="stopped", containers={}),
    desired_state="stopped",
    current_state="stopped",
)


@pytest.mark.parametrize(
    ("arguments", "method", "path", "query"),
    [
        (["start", "shop"], "POST", f"{SHOP}/start", {}),
        (["start", "shop_web"], "POST", "/services/shop_web/start", {}),
        (["stop", "shop", "-t", "3"], "POST", f"{SHOP}/stop", {"t": "3"}),
        (["stop", "shop_web", "--time", "3"], "POST", "/services/shop_web/stop", {"t": "3"}),
        (["kill", "shop_web", "-s", "HUP"], "POST", "/services/shop_web/kill", {"signal": "HUP"}),
        (["redeploy", "shop"], "POST", f"{SHOP}/redeploy", {}),
        (["rm", "shop"], "DELETE", SHOP, {"force": "false", "v": "false"}),
        (["rm", "shop", "--force", "-v"], "DELETE", SHOP, {"force": "true", "v": "true"}),
    ],
)
def test_a_verb_is_one_command_however_often_it_is_asked_about(
    stub: Stub, run: Run, arguments: list[str], method: str, path: str, query: dict[str, str]
) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    stub.on(method, path, (200, None), running, (200, None))
    done = run(*arguments)
    (command,) = stub.commands()
    assert {key: command.query[key] for key in query} == query
    assert (command.query["wait"], done.code, done.err) == ("0", 0, "")
    assert done.out.splitlines()[-1].startswith("  done: ")
    assert len({each.command_id for each in stub.asked if each.method != "GET"}) == 1


def test_help_and_defaults_of_options_are_those_of_the_route_table(run: Run) -> None:
    parameters = {p.name: p for route in ROUTES for p in route.parameters}
    for words, name in ((["stop"], "t"), (["kill"], "signal"), (["rm"], "force"), (["rm"], "v")):
        shown = " ".join(run(*words, "-h").out.replace("│", " ").split())
        assert parameters[name].about in shown


def test_who_does_not_wait_is_told_that_it_was_accepted(stub: Stub, run: Run) -> None:
    stub.on("POST", f"{SHOP}/stop", (200, None))
    done = run("stop", "-d", "shop")
    assert (done.code, done.out) == (0, "  Stopping shop: accepted\n")
    assert len(stub.asked) == 1


def test_without_a_terminal_each_change_is_one_line_without_control_characters(
    stub: Stub, run: Run
) -> None:
    waits = "web_1 is unhealthy, attempt {n}"
    seen = [
        a_project(a_service(current_state="stopping", reasons=[waits.format(n=n)]))
        for n in (1, 2, 3)
    ]
    stub.on("GET", SHOP, *((200, each) for each in seen), (200, STOPPED))
    stub.on("POST", f"{SHOP}/stop", running, running, running, (200, None))
    done = run("stop", "shop")
    assert done.out.splitlines()[:-1] == [
        "Stopping shop ...",
        "  web: stopping, 1 of 1 running",
        "  web: web_1 is unhealthy, attempt 1",
        "  web: stopped",
    ]
    assert done.out.replace("\n", "").isprintable()


def test_what_has_not_changed_is_not_sent_again(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    stub.on("POST", f"{SHOP}/start", running, running, running, (200, None))
    assert run("start", "shop").code == 0
    assert stub.not_modified == len([each for each in stub.asked if each.method == "GET"]) - 1


def test_a_refusal_names_the_option_of_the_command_line(stub: Stub, run: Run) -> None:
    stub.on("DELETE", "/projects/shop", (409, {"message": "stop it first, or use force"}))
    done = run("rm", "shop")
    assert (done.code, done.err) == (1, "error: stop it first, or use --force\n")


def test_a_refusal_is_the_api_s_message_alone(stub: Stub, run: Run) -> None:
    stub.on("POST", f"{SHOP}/stop", (404, {"message": "Not Found: there is no project shop"}))
    done = run("stop", "shop")
    assert (done.code, done.out) == (1, "")
    assert done.err == "error: Not Found: there is no project shop\n"


def test_a_failure_tells_reasons_and_the_last_log_lines(stub: Stub, run: Run) -> None:
    crashing = a_container(
        running=False, health="", status="exited", log_tail=["first", "no such \x1b[31mfile\x07"]
    )
    service = a_service(
        current_state="starting", containers={"a": crashing}, reasons=["shop_web_1 exits with 1"]
    )
    stub.on("GET", SHOP, (200, a_project(service, current_state="starting")))
    stub.on("POST", f"{SHOP}/start", (200, None), (500, {"message": "web can't start"}))
    done = run("start", "shop")
    assert done.code == 1
    first, *more = done.err.splitlines()
    assert first.startswith("error: Starting shop: failed: web can't start (")
    assert more == [
        "  web: shop_web_1 exits with 1",
        "  the last of shop_web_1's log:",
        "  | first",
        "  | no such file",
    ]


def test_a_command_that_a_newer_one_overrides_has_failed(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    overridden = (409, {"message": "superseded by project.stop"})
    stub.on("POST", f"{SHOP}/start", (200, None), overridden)
    done = run("start", "shop")
    assert done.code == 1
    assert "superseded by project.stop" in done.err


def test_a_wait_that_is_too_long_ends_with_124_and_the_reasons(stub: Stub, run: Run) -> None:
    service = a_service(current_state="starting", reasons=["waits for db"])
    stub.on("GET", SHOP, (200, a_project(service)))
    stub.on("POST", f"{SHOP}/start", running)
    done = run("start", "shop", "--timeout", "0.3")
    assert done.code == 124
    assert "timed out: not done after 0.3 s; it goes on" in done.err
    assert "  web: waits for db" in done.err.splitlines()


def test_a_restart_of_the_coordinator_meanwhile_is_no_failure(stub: Stub, run: Run) -> None:
    gone = (503, {"message": "a standby"})
    stub.on("GET", SHOP, (200, a_project()), gone, (0, None), (200, a_project()))
    stub.on("POST", f"{SHOP}/start", (200, None), running, gone, (0, None), (200, None))
    done = run("start", "shop")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("  the coordinator does not answer, trying again\n") == 1


def test_a_coordinator_that_does_not_come_back_is_a_failure(
    stub: Stub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.following.OUTAGE_S", 0.2)
    stub.on("GET", SHOP, (200, a_project()), (503, {"message": "the coordinator is starting"}))
    stub.on("POST", f"{SHOP}/start", running)
    done = run("start", "shop")
    assert (done.code, done.err) == (1, "error: the coordinator is starting\n")


def test_ctrl_c_ends_the_wait_and_not_what_was_asked_for(stub: Stub, run: Run) -> None:
    def interrupted(_: Asked) -> tuple[int, None]:
        # The stub runs in another thread than the command line.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return 200, None

    stub.on("GET", SHOP, (200, a_project()))
    stub.on("POST", f"{SHOP}/start", (200, None), interrupted, running)
    done = run("start", "shop")
    assert done.code == 130
    assert "what was asked for goes on: see `troopers ps shop`" in done.err


def test_a_service_has_no_verb_that_is_about_whole_projects(stub: Stub, run: Run) -> None:
    done = run("redeploy", "shop_web")
    assert (done.code, stub.asked) == (2, [])
    assert "redeploy is about whole projects" in done.err


def test_a_project_that_is_gone_was_removed(stub: Stub, run: Run) -> None:
    stub.on("GET", SHOP, (200, STOPPED), (404, {"message": "Not Found: no project shop"}))
    stub.on("DELETE", SHOP, (200, None))
    done = run("rm", "shop")
    assert (done.code, done.err) == (0, "")


def test_the_result_is_json_for_who_wants_it_and_progress_is_beside_it(
    stub: Stub, run: Run
) -> None:
    stub.on("GET", SHOP, (200, a_project()))
    stub.on("POST", f"{SHOP}/stop", (200, None), (500, {"message": "the node is silent"}))
    done = run("stop", "shop", "--json")
    shown = json.loads(done.out)
    assert (done.code, shown["result"], shown["message"]) == (1, "failed", "the node is silent")
    assert shown["projects"] == ["shop"]
    assert "web: running, 1 of 1 running" in done.err


def test_warnings_of_the_api_are_shown_beside(stub: Stub, run: Run) -> None:
    stub.headers["X-Troopers-Warnings"] = json.dumps(["no such \x07key"])
    stub.on("POST", f"{SHOP}/start", (200, None))
    assert run("start", "-d", "shop").err == "warning: no such key\n"


class TestScale:
    @pytest.fixture(autouse=True)
    def shop(self, stub: Stub) -> None:
        stub.on("GET", SHOP, (200, a_project(a_service("web"), a_service("worker"))))
        for name in ("web", "worker"):
            stub.on("GET", f"/services/shop_{name}", (200, a_service(name)))
            stub.on("POST", f"/services/shop_{name}/scale", (200, None))

    @pytest.mark.parametrize(
        "arguments", [["shop", "web=3", "worker=+1"], ["shop_web=3", "shop_worker=+1"]]
    )
    def test_both_ways_of_writing_it_mean_the_same(
        self, stub: Stub, run: Run, arguments: list[str]
    ) -> None:
        assert run("scale", *arguments).code == 0
        assert [(each.path, each.body) for each in stub.commands()] == [
            ("/services/shop_web/scale", {"type": "scale_to", "value": 3}),
            ("/services/shop_worker/scale", {"type": "scale_out", "value": 1}),
        ]

    def test_an_unknown_service_changes_no_other_one(self, stub: Stub, run: Run) -> None:
        done = run("scale", "shop", "web=3", "wbe=2")
        assert (done.code, stub.commands()) == (1, [])
        assert done.err.startswith("error: Not Found")

    @pytest.mark.parametrize(
        "arguments",
        [["shop"], ["web=2"], ["shop", "web=x"], ["shop", "web="], ["shop", "web=1", "web=2"]],
    )
    def test_what_names_no_service_and_number_is_wrong_usage(
        self, stub: Stub, run: Run, arguments: list[str]
    ) -> None:
        done = run("scale", *arguments)
        assert (done.code, stub.asked) == (2, [])
        assert done.err.startswith("error: ")


def test_more_containers_than_there_are_can_t_be_taken_away(stub: Stub, run: Run) -> None:
    stub.on("GET", "/services/shop_web", (200, a_service(scale=1)))
    done = run("scale", "shop", "web=-5")
    assert (done.code, stub.commands()) == (2, [])
    assert "web has 1 container," in done.err
    assert "`troopers scale shop web=0`" in done.err
