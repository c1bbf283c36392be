"""ls, ps, inspect: tables for people and awk, JSON for programs."""

import json

import pytest

from tests.unit.cli.stub import Run, Stub, a_container, a_project, a_service

SHOP = "/projects/shop"


@pytest.fixture(autouse=True)
def shop(stub: Stub) -> None:
    many = {str(n): a_container(f"shop_web_{n}") for n in (10, 9)}
    web = a_service(scale=3, containers=many)
    bad = a_container(
        "shop_db_1", running=False, status="exited", status_ext="exit code 1", health="", ports={}
    )
    db = a_service("db", containers={"a": bad})
    release = {"kind": "rolling", "version": "2.0", "state": "paused", "message": "unhealthy"}
    project = a_project(db, web, release=release, record="rolled_back")
    stub.on("GET", "/projects/", (200, [project]))
    stub.on("GET", SHOP, (200, project))
    stub.on("GET", "/services/", (200, [db, web]))
    stub.on("GET", "/services/shop_web", (200, web))


def test_ls_shows_how_projects_stand(run: Run) -> None:
    head, row = run("ls").out.splitlines()
    assert head.split() == ["name", "version", "state", "services", "running", "notes"]
    assert row == (
        "shop  1.0      running  2         2/4      "
        "rolling to 2.0, paused: unhealthy, record rolled back"
    )


def test_ps_shows_containers_in_the_order_of_their_numbers(run: Run) -> None:
    lines = run("ps", "shop").out.splitlines()
    assert lines[0].split() == ["name", "service", "node", "status", "health", "ports", "version"]
    assert [line.split()[0] for line in lines[1:]] == ["shop_db_1", "shop_web_9", "shop_web_10"]
    assert "exited (exit code 1)" in lines[1]
    assert lines[2].split()[1:] == [
        "web",
        "n1",
        "running",
        "success",
        "10.0.0.1:8080->80/tcp",
        "1.0",
    ]


def test_ps_is_about_one_service_or_about_all(run: Run) -> None:
    assert run("ps", "shop_web", "-q").out.splitlines() == ["shop_web_9", "shop_web_10"]
    assert len(run("ps", "-q").out.splitlines()) == 3


def test_names_alone_can_be_asked_for(run: Run, stub: Stub) -> None:
    assert run("ls", "-q", "--filter", "sh").out == "shop\n"
    assert stub.asked[-1].query == {"q": "sh"}


def test_json_is_parsable_and_whole(run: Run) -> None:
    assert json.loads(run("ls", "--json").out)[0]["name"] == "shop"
    (first, *_) = json.loads(run("ps", "shop", "--json").out)
    assert {k: first[k] for k in ("id", "name", "project", "service", "status", "version")} == {
        "id": "a",
        "name": "shop_db_1",
        "project": "shop",
        "service": "db",
        "status": "exited",
        "version": "1.0",
    }


def test_inspect_takes_projects_and_services(run: Run) -> None:
    assert json.loads(run("inspect", "shop").out)["name"] == "shop"
    assert json.loads(run("inspect", "shop_web").out)["id"] == "shop_web"


@pytest.mark.parametrize("words", [["ps", "nix"], ["inspect", "nix"], ["inspect", "nix_web"]])
def test_an_unknown_name_is_the_api_s_message(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: Not Found: ")
    assert done.err.count("\n") == 1


def test_names_from_the_network_do_not_command_the_terminal(stub: Stub, run: Run) -> None:
    evil = a_container("shop_web_1\x1b[2J\x9b31m\r\n\x07", node_name="n\u202e1")
    project = a_project(a_service(containers={"a": evil}))
    stub.on("GET", SHOP, (200, project))
    for words in (["ps", "shop"], ["ps", "shop", "-q"], ["inspect", "shop"]):
        shown = run(*words).out
        assert "shop_web_1" in shown
        assert shown.replace("\n", "").isprintable()
    # For a program it is the same text as ever.
    assert json.loads(run("inspect", "shop").out) == project


def test_status_and_volumes_have_json_as_well(stub: Stub, run: Run) -> None:
    stub.on("GET", "/hosts/", (200, [{"Name": "n1"}]))
    stub.on("GET", "/volumes", (200, {"Volumes": [{"Name": "files"}]}))
    assert json.loads(run("status", "--json").out)["nodes"] == [{"Name": "n1"}]
    assert json.loads(run("volume", "ls", "--json").out) == [{"Name": "files"}]


def test_ps_brackets_ipv6_addresses(stub: Stub, run: Run) -> None:
    places = [{"host_ip": "::", "host_port": "8081"}]
    one = a_container("shop_web_1", ports={"80/tcp": places})
    stub.on("GET", "/projects/shop", (200, a_project(a_service(containers={"a": one}))))
    assert "[::]:8081->80/tcp" in run("ps", "shop").out
