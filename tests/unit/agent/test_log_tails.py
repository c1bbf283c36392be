"""What is told of a container's log, and of which run."""

from dataclasses import replace

import pytest

from agent.domain.log_tails import LINE_CHARS_MAX, LINES_MAX, LastRun, last_runs, tail, with_tails
from agent.domain.observation import Attempts
from agent.domain.plan import plan
from schemas.states import Health
from tests.fakes.orders import a_slot, orders
from tests.unit.agent.seen import NOW, a_container, an_observation, exited

SEEN = a_container()
ENDED = exited(SEEN)
LOOPING = {SEEN.key: Attempts(exits=3, last_exit_at=NOW, code="crashed", message="exited")}


def test_the_last_lines_are_told_newest_last() -> None:
    printed = "".join(f"line {n}\n" for n in range(30)).encode()
    assert tail(printed) == tuple(f"line {n}" for n in range(10, 30))
    assert len(tail(printed)) == LINES_MAX
    assert tail(b"") == ()


def test_a_line_is_cut() -> None:
    (line,) = tail(b"x" * 10_000_000)
    assert line == "x" * LINE_CHARS_MAX


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (b"\x1b[1;31mred\x1b[0m alert\r\n", "red alert"),
        (b"10%\r20%\r", "10%20%"),
        (b"a\tb\x00c\x07\x08\x7f", "a bc"),
        ("safe\u202egnp.exe".encode(), "safegnp.exe"),
        ("gr\u00fc\u00df \u4e16".encode(), "gr\u00fc\u00df \u4e16"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (b"\x1b]0;title\x07\n\n  \nlast", "last"),
    ],
)
def test_nothing_moves_a_cursor(printed: bytes, told: str) -> None:
    assert " ".join(tail(printed)) == told


def test_a_crash_is_told_of_with_the_run_that_ended() -> None:
    observed = an_observation(ENDED, attempts=LOOPING)
    problems = plan(orders(a_slot()), observed).problems
    assert last_runs(problems, observed) == (LastRun(SEEN.key, SEEN.id, NOW),)
    (told,) = with_tails(problems, {SEEN.key: ("out of luck",)})
    assert told.log_tail == ("out of luck",)
    assert with_tails(problems, {}) == problems


def test_bad_health_is_told_of_with_the_run_that_goes_on() -> None:
    observed = an_observation(replace(SEEN, health=Health.FAILURE), attempts=LOOPING)
    problems = plan(orders(a_slot()), observed).problems
    assert last_runs(problems, observed) == (LastRun(SEEN.key, SEEN.id, NOW - 100),)


def test_a_run_that_is_over_and_one_that_can_t_be_read_are_not_asked_about() -> None:
    desired = orders(a_slot())
    problems = plan(desired, an_observation(ENDED, attempts=LOOPING)).problems
    for containers in ((), (SEEN,), (replace(ENDED, is_vague=True),)):
        assert last_runs(problems, an_observation(*containers)) == ()


def test_other_problems_have_no_log() -> None:
    attempts = {SEEN.key: Attempts(failures=1, last_failure_at=NOW, code="port_taken")}
    observed = an_observation(ENDED, attempts=attempts)
    problems = plan(orders(a_slot()), observed).problems
    assert [problem.code for problem in problems] == ["port_taken"]
    assert last_runs(problems, observed) == ()
    assert with_tails(problems, {SEEN.key: ("a",)}) == problems
