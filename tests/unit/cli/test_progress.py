"""What is shown while somebody waits, on a terminal and elsewhere."""

import io
from typing import Any

import pytest
from rich.console import Console

from cli.pictures import Picture, log_tails, picture, reasons
from cli.printable import printable, printable_lines
from cli.progress import LiveDisplay, PlainDisplay, live, service_words
from tests.unit.cli.stub import a_container, a_project, a_service


def rendered(shown: LiveDisplay, height: int = 40) -> str:
    console = Console(file=io.StringIO(), width=100, height=height, force_terminal=True)
    with console.capture() as capture:
        console.print(shown.rendered())
    return printable_lines(capture.get())


def a_console(height: int = 40) -> Console:
    return Console(file=io.StringIO(), width=100, height=height, force_terminal=True)


def test_a_live_table_shows_numbers_state_reasons_and_the_release() -> None:
    release = {
        "kind": "rolling",
        "state": "updating",
        "version": "2.0",
        "message": "waits for db",
        "services": {"web": {"updated": 4, "total": 20}},
    }
    view = a_project(a_service(scale=2, reasons=["web_3 [bold]has no place"]), release=release)
    console = a_console()
    shown = LiveDisplay("Updating shop", console)
    shown.show(picture(view))
    shown.note("the coordinator does not answer")
    text = rendered(shown)
    for words in (
        *("Updating shop (0 s)", "release: rolling to 2.0, updating: waits for db"),
        *("web: web_3 [bold]has no place", "the coordinator does not answer"),
    ):
        assert words in text
    assert "web      running  2 of 2   2        4 of 20" in text


def test_a_live_table_fits_the_screen_and_shows_first_what_is_awaited() -> None:
    services = [a_service(f"s{n}") for n in range(50)]
    services.append(a_service("last", current_state="starting"))
    shown = LiveDisplay("Starting shop", a_console(height=20))
    shown.show(picture(a_project(*services)))
    text = rendered(shown)
    assert "last" in text
    assert "and 43 more services" in text
    assert len(text.splitlines()) < 20


def test_the_last_table_stays_on_the_terminal() -> None:
    console = a_console()
    with live("Starting shop", console) as shown:
        shown.show(picture(a_project()))
    written = console.file
    assert isinstance(written, io.StringIO)
    assert "web" in printable_lines(written.getvalue())


def test_what_was_said_is_not_said_again() -> None:
    stream = io.StringIO()
    shown = PlainDisplay(stream)
    for attempt in (1, 2, 1):
        reason = f"web_1 exits with 1, tried {attempt} times"
        shown.show(picture(a_project(a_service(reasons=[reason]), reasons=[f"web: {reason}"])))
        shown.note(f"no answer for {attempt} s")
    assert stream.getvalue().splitlines() == [
        "  web: running, 1 of 1 running",
        "  web: web_1 exits with 1, tried 1 times",
        "  no answer for 1 s",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "running, 2 of 2 running"),
        ({"containers": {}, "current_state": "starting"}, "starting, 0 of 2 running"),
        ({"extensions": {"scale": 1, "global": True}}, "running, 2 running"),
        ({"desired_state": "stopped", "current_state": "stopped", "containers": {}}, "stopped"),
        (
            {"containers": {"a": a_container(health="starting")}, "current_state": "starting"},
            "starting, 1 of 2 running, 0 healthy",
        ),
    ],
)
def test_a_service_in_words(changes: dict[str, Any], words: str) -> None:
    (service,) = picture(a_project(a_service(scale=2, **changes))).services
    assert service_words(service) == words


def test_fields_that_a_server_leaves_out_are_no_error() -> None:
    (service,) = picture({"services": [{}], "release": {}}).services
    assert service_words(service) == ""
    assert picture({}) == Picture()


def test_a_project_s_reasons_are_not_told_twice() -> None:
    view = a_project(a_service(reasons=["no place"]), reasons=["web: no place", "no nodes"])
    assert reasons(picture(view)) == ("web: no place", "no nodes")
    assert reasons(picture(view, ["web"])) == ("web: no place",)


def test_logs_are_those_of_what_does_not_work_and_the_last_lines_of_them() -> None:
    long = [f"line {n}" for n in range(100)]
    well, bad = a_container(log_tail=["fine"]), a_container("b", health="failure", log_tail=long)
    view = a_project(a_service(containers={"a": well, "b": bad}))
    assert log_tails(view) == {"b": tuple(long[-20:])}
    assert log_tails(view, ["db"]) == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, größer, 日本", "plain, größer, 日本"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;Y2xpcA==\x1b\\text", "text"),
        ("\x9b31mred\x9c", "red"),
        ("over\rwritten\b\x00\x7f", "over written"),
        ("two\nlines\tand\u2028more", "two lines and more"),
        ("right\u202eleft\u200b", "rightleft"),
    ],
)
def test_text_from_elsewhere_does_not_command_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_keep_their_breaks_and_indentation() -> None:
    assert printable_lines("a:\r\n\tb\x1b[2J: \x07c\n") == "a:\n        b: c\n"
