"""What mountd makes of what it finds, of new orders, and of what others do to its mounts."""

from dataclasses import replace

import pytest

from mountd.domain.outcomes import (
    Answered,
    Failed,
    Found,
    Mounted,
    Operation,
    Unmounted,
)
from mountd.domain.plan import (
    adopted,
    fingerprint,
    hurried,
    next_due,
    noticed,
    ordered,
    plan,
    report,
)
from mountd.domain.track import Wish
from schemas.current import SubPathCurrent
from schemas.states import MountState
from tests.unit.mountd.builders import a_bucket, a_nas, a_wish
from tests.unit.mountd.tracks import (
    EVERY_S,
    NOW,
    PATH,
    a_track,
    after,
    nothing_mounted,
    step,
    steps,
)


def an_unknown_export(incarnation: str) -> Found:
    """Nobody remembers making it, and it is what `a_wish` wants."""
    return Found("media", PATH, incarnation, "", "nfs4", "files.example:/media")


def test_what_is_found_is_adopted_and_asked_at_once() -> None:
    tracks = adopted([an_unknown_export("one")], NOW)
    assert tracks["media"].state is MountState.MOUNTING
    assert step(tracks["media"]) == (Operation.PROBE, False)
    kept = ordered(tracks, {"media": a_wish()}, NOW)
    assert kept["media"].incarnation == "one"
    assert after(kept["media"], Answered()).state is MountState.MOUNTED


def test_a_found_mount_goes_to_the_volume_that_wants_its_place() -> None:
    tracks = adopted([Found("bucket1", "ossfs/bucket1", "one", "")], NOW)
    tracks = ordered(tracks, {"photos": a_wish(a_bucket("photos", bucket="bucket1"))}, NOW)
    assert list(tracks) == ["photos"]
    assert tracks["photos"].incarnation == "one"


def test_a_place_belongs_to_one_volume() -> None:
    wishes = {name: a_wish(a_bucket(name, bucket="shared")) for name in ("b", "a")}
    tracks = ordered({}, wishes, NOW)
    assert [one.track.name for one in steps(*tracks.values())] == ["a"]
    assert tracks["b"].state is MountState.FAILED
    assert "belongs to the volume a" in tracks["b"].reason
    # And whoever has it keeps it.
    held = ordered({"b": a_track(wishes["b"])}, wishes, NOW)
    assert "belongs to the volume b" in held["a"].reason


def test_orders_that_do_not_mention_a_volume_leave_it_as_it_is() -> None:
    tracks = ordered({"media": a_track()}, {}, NOW)
    assert tracks["media"].wish is None
    assert tracks["media"].incarnation == "one"
    assert steps(replace(tracks["media"], is_dead=True, made_for="x")) == []
    # What was never mounted is forgotten.
    assert noticed(ordered({"media": nothing_mounted()}, {}, NOW), {}, NOW) == {}


def test_the_same_orders_again_do_not_hurry_what_waits() -> None:
    failed = after(nothing_mounted(), Failed("no such host"))
    tracks = ordered({"media": failed}, {"media": a_wish()}, NOW)
    assert tracks["media"] == failed
    corrected = ordered({"media": failed}, {"media": a_wish(a_nas(host="right"))}, NOW)
    assert step(corrected["media"]) == (Operation.MOUNT, False)


def test_a_refused_wish_shows_as_failed_even_over_a_mount_that_serves() -> None:
    refused = a_wish(refusal="not from there")
    track = ordered({"media": a_track(running=Operation.PROBE)}, {"media": refused}, NOW)["media"]
    assert (track.state, track.reason) == (MountState.FAILED, "not from there")
    assert after(track, Answered()).state is MountState.FAILED
    assert step(after(track, Answered()), NOW + 100) is None


def test_a_mount_that_somebody_took_away_is_made_again() -> None:
    track = noticed({"media": a_track()}, {}, NOW)["media"]
    assert (track.state, track.incarnation) == (MountState.FAILED, "")
    assert "something else" in track.reason
    assert step(track) == (Operation.MOUNT, False)
    leaving = a_track(a_wish(absent=True), state=MountState.UNMOUNTING)
    assert noticed({"media": leaving}, {}, NOW)["media"].state is MountState.UNMOUNTING


def test_a_mount_that_somebody_put_in_its_place_is_another_one() -> None:
    there = {PATH: an_unknown_export("two")}
    track = noticed({"media": a_track()}, there, NOW)["media"]
    assert (track.state, track.incarnation) == (MountState.MOUNTING, "two")
    assert step(track) == (Operation.PROBE, False)


@pytest.mark.parametrize(
    ("wish", "kind", "source"),
    [
        (a_wish(), "tmpfs", "none"),
        (a_wish(), "nfs4", "files.example:/other"),
        (a_wish(), "fuse", "troopers-media"),
        (a_wish(a_bucket()), "fuse.s3fs", "s3fs"),
        (a_wish(a_bucket()), "nfs4", "files.example:/media"),
    ],
)
def test_another_file_system_in_its_place_is_taken_away_and_never_served(
    wish: Wish, kind: str, source: str
) -> None:
    name, path = wish.volume.name, wish.volume.mount_path
    there = Found(name, path, "two", "", kind, source)
    reason = f"something else ({kind}) is mounted there"
    track = noticed({name: a_track(wish)}, {path: there}, NOW)[name]
    assert (track.state, track.reason) == (MountState.FAILED, reason)
    assert step(track) == (Operation.UNMOUNT, False)
    # Also where it was there before anybody wanted anything.
    adopting = after(adopted([there], NOW)[name], Answered())
    assert adopting.state is MountState.MOUNTED
    track = ordered({name: adopting}, {name: wish}, NOW)[name]
    assert (track.state, track.reason) == (MountState.FAILED, reason)
    assert step(track) == (Operation.UNMOUNT, False)
    # What was asked of it before is no answer of the volume's server.
    assert after(replace(track, running=Operation.PROBE), Answered()).state is MountState.FAILED
    assert step(after(track, Unmounted())) == (Operation.MOUNT, False)


def test_a_mount_that_an_earlier_process_was_still_making_is_taken_over() -> None:
    there = {PATH: Found("media", PATH, "two", fingerprint(a_wish()))}
    track = noticed({"media": nothing_mounted()}, there, NOW)["media"]
    assert (track.incarnation, track.made_for) == ("two", fingerprint(a_wish()))
    assert step(track) == (Operation.PROBE, False)
    leaving = nothing_mounted(a_wish(absent=True), retry_at=NOW + 5)
    leaving = replace(leaving, state=MountState.UNMOUNTING)
    assert noticed({"media": leaving}, there, NOW)["media"].state is MountState.UNMOUNTING
    gone = replace(leaving, is_gone=True)
    assert noticed({"media": gone}, there, NOW) == {"media": gone}


def test_sub_paths_belong_to_the_mount_that_they_were_found_in() -> None:
    found = (SubPathCurrent(path="app", place=".sub/1"),)
    track = a_track(replace(a_wish(), sub_paths=("app",)), sub_paths=found)
    there = {PATH: an_unknown_export("two")}
    assert report({"media": track}, "/mnt")[0].sub_paths == found
    assert noticed({"media": track}, {}, NOW)["media"].sub_paths == ()
    assert noticed({"media": track}, there, NOW)["media"].sub_paths == ()
    assert after(track, Unmounted()).sub_paths == ()
    # A mount that is new has them looked for at once.
    again = after(track, Mounted("two", "f"))
    assert (again.sub_paths, again.probe_at) == ((), NOW)
    assert after(again, Answered(found)).probe_at == NOW + EVERY_S


def test_sub_paths_that_take_too_long_are_as_they_were_and_no_reason_to_ask_at_once() -> None:
    known = SubPathCurrent(path="b", place=".sub/1")
    wish = replace(a_wish(), sub_paths=("b", "a"))
    slow = Answered(hindrance="too slow")
    track = after(a_track(wish, sub_paths=(known,), misses=1), slow, NOW + 5)
    assert track.sub_paths == (SubPathCurrent(path="a", reason="a: too slow"), known)
    assert (track.state, track.misses, track.answered_at) == (MountState.MOUNTED, 0, NOW + 5)
    assert track.probe_at == NOW + 5 + EVERY_S
    # And what is found at last counts.
    found = (SubPathCurrent(path="a", place=".sub/2"), known)
    assert after(track, Answered(found)).sub_paths == found


def test_a_sub_path_that_was_ordered_during_a_probe_makes_the_next_one_due() -> None:
    wish = a_wish()
    asked = a_track(wish, running=Operation.PROBE)
    tracks = ordered({"media": asked}, {"media": replace(wish, sub_paths=("app",))}, NOW)
    assert step(after(tracks["media"], Answered())) == (Operation.PROBE, False)


def test_what_is_under_way_is_not_judged_by_the_table() -> None:
    busy = a_track(running=Operation.UNMOUNT)
    assert noticed({"media": busy}, {}, NOW) == {"media": busy}


def test_a_hint_makes_one_probe_due() -> None:
    other = a_track(a_wish(a_nas("films")))
    tracks = hurried({"media": a_track(), "films": other}, PATH, NOW)
    assert [(one.operation, one.track.name) for one in plan(tracks, NOW)] == [
        (Operation.PROBE, "media")
    ]


def test_the_next_look_is_when_something_is_due() -> None:
    assert next_due({"media": a_track()}, NOW) == NOW + EVERY_S
    assert next_due({"media": nothing_mounted(retry_at=NOW + 2)}, NOW) == NOW + 2
    assert next_due({"media": a_track(running=Operation.PROBE)}, NOW) > NOW + 600


def test_the_report_says_what_is_known() -> None:
    (current,) = report({"media": a_track(answered_at=NOW + 1.5)}, "/mnt/acs_mnt")
    assert current.mountpoint == "/mnt/acs_mnt/nas/media"
    assert current.since == "1970-01-01T00:16:40.000Z"
    assert current.answered_at == "1970-01-01T00:16:41.500Z"
