"""What is done to a volume next, rule by rule."""

from dataclasses import replace

import pytest

from mountd.domain.outcomes import (
    Answered,
    Dead,
    Failed,
    Mounted,
    Operation,
    Silent,
    Unmounted,
)
from mountd.domain.plan import (
    fingerprint,
    noticed,
    ordered,
    report,
)
from mountd.domain.track import RETRY_DELAYS_S, STUCK_PROBE_S, Pace, Track, Wish, begun, ended
from schemas.states import MountState
from tests.unit.mountd.builders import a_bucket, a_nas, a_secret, a_wish
from tests.unit.mountd.tracks import (
    EVERY_S,
    NOW,
    PATIENCE_S,
    a_track,
    after,
    nothing_mounted,
    step,
    steps,
)


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        (nothing_mounted(), (Operation.MOUNT, False)),
        (nothing_mounted(retry_at=NOW + 1), None),
        (nothing_mounted(running=Operation.MOUNT), None),
        (nothing_mounted(a_wish(refusal="never")), None),
        (nothing_mounted(a_wish(absent=True)), (Operation.UNMOUNT, False)),
        (nothing_mounted(a_wish(absent=True), is_gone=True), None),
        (a_track(), None),
        (a_track(probe_at=NOW), (Operation.PROBE, False)),
        (a_track(is_dead=True), (Operation.UNMOUNT, True)),
        (a_track(is_dead=True, retry_at=NOW + 1), None),
        (a_track(made_for="something else"), (Operation.UNMOUNT, False)),
        (a_track(made_for="", probe_at=NOW), (Operation.PROBE, False)),
        (a_track(mount_path="nas/elsewhere"), (Operation.UNMOUNT, False)),
        (a_track(a_wish(absent=True)), (Operation.UNMOUNT, False)),
        (a_track(a_wish(absent=True), state=MountState.STUCK), (Operation.UNMOUNT, True)),
        (a_track(a_wish(absent=True), misses=1), (Operation.UNMOUNT, True)),
        (a_track(a_wish(absent=True), is_dead=True), (Operation.UNMOUNT, True)),
        (a_track(state=MountState.STUCK, probe_at=NOW), (Operation.PROBE, False)),
        (replace(a_track(probe_at=NOW), wish=None), (Operation.PROBE, False)),
        (replace(a_track(is_dead=True), wish=None), None),
        (replace(nothing_mounted(), wish=None), None),
    ],
)
def test_what_is_next(track: Track, expected: tuple[Operation, bool] | None) -> None:
    assert step(track) == expected


def test_what_only_others_care_about_makes_no_other_mount() -> None:
    volume = a_nas()
    waits, moves = (
        Wish(volume.model_copy(update={"when_stuck": word}), None) for word in ("wait", "move")
    )
    assert fingerprint(waits) == fingerprint(moves)


@pytest.mark.parametrize(
    "other",
    [
        Wish(a_bucket(url="http://other"), a_secret()),
        Wish(a_bucket(), a_secret(ak_secret="rotated")),
        Wish(a_bucket(read_only=True), a_secret()),
        Wish(a_bucket(other_opts="-o uid=3"), a_secret()),
    ],
)
def test_what_makes_another_mount(other: Wish) -> None:
    assert fingerprint(Wish(a_bucket(), a_secret())) != fingerprint(other)


def test_a_mount_is_a_new_incarnation_and_answers() -> None:
    track = after(nothing_mounted(failures=3, running=Operation.MOUNT), Mounted("two", "f"))
    assert (track.state, track.incarnation, track.made_for) == (MountState.MOUNTED, "two", "f")
    assert (track.running, track.failures, track.answered_at) == (None, 0, NOW)
    assert track.probe_at == NOW + EVERY_S


def test_failures_are_tried_again_ever_more_slowly_but_each_minute() -> None:
    track, waits = nothing_mounted(), []
    for _ in range(len(RETRY_DELAYS_S) + 2):
        track = after(track, Failed("no such host"))
        waits.append(track.retry_at - NOW)
    assert waits == [1, 2, 5, 10, 30, 60, 60, 60]
    assert (track.state, track.reason) == (MountState.FAILED, "no such host")


def test_one_lost_answer_is_asked_for_again_at_once_and_changes_nothing() -> None:
    track = after(a_track(), Silent("nothing heard"))
    assert track.state is MountState.MOUNTED
    assert step(track) == (Operation.PROBE, False)


def test_two_lost_answers_in_a_row_are_a_verdict() -> None:
    track = after(after(a_track(), Silent("nothing heard")), Silent("nothing heard"), NOW + 8)
    assert (track.state, track.since, track.reason) == (
        MountState.STUCK,
        NOW + 8,
        "nothing heard",
    )
    later = after(track, Silent("still nothing"), NOW + 18)
    assert (later.since, later.reason) == (NOW + 8, "still nothing")
    assert later.probe_at == NOW + 18 + STUCK_PROBE_S


def test_a_bucket_s_program_that_hangs_is_replaced_after_a_time_and_an_export_never() -> None:
    bucket = a_track(a_wish(a_bucket()), state=MountState.STUCK, misses=2)
    waiting = after(bucket, Silent("nothing heard"), NOW + PATIENCE_S - 1)
    assert (waiting.state, step(waiting, NOW + 9999)) == (
        MountState.STUCK,
        (Operation.PROBE, False),
    )
    given_up = after(bucket, Silent("nothing heard"), NOW + PATIENCE_S)
    assert (given_up.state, step(given_up, NOW + 9999)) == (
        MountState.FAILED,
        (Operation.UNMOUNT, True),
    )
    assert "600 s" in given_up.reason
    never = ended(bucket, Silent("nothing heard"), NOW + 9999, Pace(program_patience_s=0))
    assert never.state is MountState.STUCK
    export = a_track(state=MountState.STUCK, misses=2)
    assert after(export, Silent("nothing heard"), NOW + 9999).state is MountState.STUCK


def test_the_verdict_comes_within_forty_seconds() -> None:
    # Just missed by one probe; two more, each with its alarm, our wait for it, and the kernel's.
    probe_s = 8.0 + 2.0 + 1.0
    assert EVERY_S + 2 * probe_s < 40


def test_a_stuck_mount_that_answers_is_the_same_mount() -> None:
    stuck = a_track(state=MountState.STUCK, misses=4, reason="nothing heard")
    track = after(stuck, Answered(), NOW + 5)
    assert (track.state, track.since, track.reason) == (MountState.MOUNTED, NOW + 5, "")
    assert (track.incarnation, track.misses, track.answered_at) == ("one", 0, NOW + 5)


def test_a_dead_mount_is_taken_away_and_made_again() -> None:
    track = after(a_track(), Dead("its program has ended"))
    assert (track.state, track.reason) == (MountState.FAILED, "its program has ended")
    assert step(track) == (Operation.UNMOUNT, True)
    track = after(track, Unmounted())
    assert (track.state, track.incarnation) == (MountState.MOUNTING, "")
    assert step(track) == (Operation.MOUNT, False)


def test_an_unmount_by_order_shows_until_it_is_done_and_then_not_at_all() -> None:
    track = begun(a_track(a_wish(absent=True)), Operation.UNMOUNT, NOW)
    assert track.state is MountState.UNMOUNTING
    failed = after(track, Failed("busy"))
    assert (failed.state, failed.reason) == (MountState.UNMOUNTING, "busy")
    done = after(track, Unmounted())
    assert report({"media": done}, "/mnt") == ()
    # It is remembered, so that the same orders don't begin it again and again.
    again = ordered({"media": done}, {"media": a_wish(absent=True)}, NOW)
    assert noticed(again, {}, NOW) == {"media": done}
    assert steps(*again.values()) == []
    wanted_again = ordered(again, {"media": a_wish()}, NOW)
    assert step(wanted_again["media"]) == (Operation.MOUNT, False)
    assert noticed(ordered(again, {}, NOW), {}, NOW) == {}


def test_an_unmount_on_the_way_to_another_mount_is_no_unmounting() -> None:
    track = begun(a_track(made_for="something else"), Operation.UNMOUNT, NOW)
    assert track.state is MountState.MOUNTED


def test_a_volume_that_moves_is_mounted_at_its_new_place() -> None:
    wish = a_wish(a_bucket(bucket="second"))
    track = after(a_track(wish, mount_path="ossfs/first", running=Operation.UNMOUNT), Unmounted())
    assert track.mount_path == "ossfs/second"
