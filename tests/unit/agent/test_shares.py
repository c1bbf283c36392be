"""What mountd says, as the agent takes it and tells it on."""

from agent.domain.happenings import happened
from agent.domain.observation import Observation
from agent.domain.plan import Plan
from agent.domain.shares import by_name, is_news, unanswered
from agent.domain.status import EngineView, Identity, node_current
from schemas.current import EngineCurrent, MountCurrent, NodeCurrent
from schemas.event import EventKind
from schemas.states import EngineState, MountState, Wanted
from tests.fakes.orders import a_mount, orders
from tests.unit.agent.seen import mounted

BASE = "/mnt/acs_mnt"
AT = "2026-11-23T10:00:09Z"
SINCE = "2026-11-23T10:00:00Z"


def status(*mounts: dict[str, MountCurrent]) -> NodeCurrent:
    known = {name: mount for one in mounts for name, mount in one.items()}
    engine = EngineView(EngineCurrent(state=EngineState.READY))
    identity = Identity("n1", "boot-1", "0.1.0", "10.0.0.1")
    return node_current(identity, engine, None, Observation(0.0, (), mounts=known), Plan())


def told(before: NodeCurrent, after: NodeCurrent) -> list[tuple[str, str]]:
    return [(event.kind, event.message) for event in happened(before, after, AT)]


def test_a_report_is_kept_by_name() -> None:
    (mount,) = mounted().values()
    assert by_name([mount], BASE) == {"photos": mount}


def test_a_mount_somewhere_else_is_of_no_use() -> None:
    (mount,) = mounted(mountpoint="/srv/nas/photos").values()
    (found,) = by_name([mount], BASE).values()
    assert found.state is MountState.FAILED
    assert "/srv/nas/photos" in found.reason
    assert BASE in found.reason


def test_without_answers_the_last_states_are_told_with_the_reason() -> None:
    desired = orders(mounts=[a_mount(), a_mount("music"), a_mount("old", wanted=Wanted.ABSENT)])
    found = unanswered(desired, mounted())
    assert {mount.reason for mount in found.values()} == {"mountd does not answer"}
    assert not any(mount.is_known for mount in found.values())
    assert {mount.name: mount.state for mount in found.values()} == {
        "photos": MountState.MOUNTED,
        # Never heard of: told all the same, or somebody would think that they are gone.
        "music": MountState.MOUNTING,
        "old": MountState.UNMOUNTING,
    }
    assert found["photos"].incarnation == "i1"
    assert unanswered(None, None) == {}


def test_the_time_of_a_last_answer_is_no_news() -> None:
    assert not is_news(mounted(answered_at="1"), mounted(answered_at="2"))
    assert not is_news(None, None)
    assert is_news(None, {})
    assert is_news(mounted(), None)
    assert is_news(mounted(), mounted(incarnation="i2"))


def test_a_status_shows_mounts_by_name() -> None:
    assert [mount.name for mount in status(mounted("b"), mounted("a")).mounts] == ["a", "b"]


def test_the_states_that_matter_to_people_are_events() -> None:
    states = [
        (MountState.MOUNTING, []),
        (MountState.MOUNTED, [(EventKind.MOUNT_OK, "volume photos is mounted")]),
        (MountState.STUCK, [(EventKind.MOUNT_STUCK, "volume photos is stuck: no answer")]),
        (MountState.FAILED, [(EventKind.MOUNT_FAILED, "volume photos is failed: no answer")]),
        (MountState.UNMOUNTING, []),
    ]
    before = status()
    for state, expected in states:
        reason = "no answer" if state in {MountState.STUCK, MountState.FAILED} else ""
        after = status(mounted(state=state, reason=reason))
        assert told(before, after) == expected
        before = after
    assert told(before, status()) == [
        (EventKind.MOUNT_REMOVED, "volume photos is not here any more")
    ]


def test_a_mount_is_an_event_once() -> None:
    assert told(status(mounted()), status(mounted(answered_at=AT))) == []
    unknown = status(mounted(reason="mountd does not answer"))
    assert told(status(mounted()), unknown) == []
    assert told(unknown, status(mounted())) == []


def test_a_new_mount_in_the_old_one_s_place_is_an_event_of_its_own() -> None:
    first, second = status(mounted(since=SINCE)), status(mounted(since=SINCE, incarnation="i2"))
    (event,) = happened(first, second, AT)
    assert event.kind is EventKind.MOUNT_OK
    (earlier,) = happened(status(), first, AT)
    assert event.id != earlier.id
    assert earlier.at == SINCE
    assert event.attributes == {"volume": "photos", "state": "mounted", "reason": ""}
