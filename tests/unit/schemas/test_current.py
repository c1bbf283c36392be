"""Reports of one node, one after the other: whether they say anything new, and what they share."""

from typing import Any

import pytest

from schemas.codec import decode, encode
from schemas.current import MountCurrent, NodeCurrent
from schemas.states import MountState
from tests.builders import a_container, a_problem, a_status

MOUNT = MountCurrent(name="data", state=MountState.MOUNTED, answered_at="2026-11-23T12:00:00Z")


def read(report: NodeCurrent) -> NodeCurrent:
    """As it comes from the bus: nothing of it is an object of somebody else."""
    return decode(NodeCurrent, encode(report))


def report(**fields: Any) -> NodeCurrent:
    containers = [a_container(f"web.{slot}", image_id="sha256:" + "a" * 64) for slot in (1, 2, 3)]
    return a_status(1, *containers, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"sequence": 8},
        {"observed_at": "2026-11-23T12:01:00Z"},
        {"mounts": (MOUNT.model_copy(update={"answered_at": "2026-11-23T12:01:00Z"}),)},
    ],
)
def test_a_report_of_another_time_says_the_same(fields: dict[str, Any]) -> None:
    former = report(mounts=(MOUNT,))
    assert read(report(**{"mounts": (MOUNT,)} | fields)).says_what(former)


@pytest.mark.parametrize(
    "fields",
    [
        {"generation": 9},
        {"settled": True},
        {"problems": (a_problem(),)},
        {"labels": {"group": "web"}},
        {"mounts": ()},
        {"mounts": (MOUNT.model_copy(update={"state": MountState.STUCK}),)},
        {"containers": (a_container("web.1"),)},
    ],
)
def test_a_report_that_says_anything_else_is_told_apart(fields: dict[str, Any]) -> None:
    assert not read(report(**{"mounts": (MOUNT,)} | fields)).says_what(report(mounts=(MOUNT,)))


def test_every_field_but_those_of_time_counts() -> None:
    former = report()
    of_time = {"sequence", "observed_at"}
    for name in NodeCurrent.model_fields.keys() - of_time:
        other = former.model_copy(update={name: "something else" if name != "mounts" else (MOUNT,)})
        assert not other.says_what(former), name


def test_what_a_report_has_in_common_with_the_former_one_is_the_same_object() -> None:
    former, newer = read(report(labels={"a": "b"})), read(report(labels={"a": "b"}, sequence=8))
    made = newer.made_of(former)
    assert made == newer
    assert made.containers is former.containers
    assert made.labels is former.labels
    assert made.engine is former.engine


def test_of_containers_only_those_that_have_changed_are_new() -> None:
    former = read(report())
    first, second, third = former.containers
    changed = second.model_copy(update={"status": "exited"})
    fourth = a_container("web.4")
    newer = read(former.model_copy(update={"containers": (fourth, changed, first)}))
    made = newer.made_of(former)
    assert made == newer
    assert made.containers[2] is first
    assert made.containers[1] is newer.containers[1]
    assert third not in made.containers


def test_a_hash_that_many_containers_have_is_held_once() -> None:
    one, other = read(report()).containers[:2]
    assert one.image_id is other.image_id
    assert one.fingerprint is other.fingerprint
