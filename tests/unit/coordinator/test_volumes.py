"""What commands make of volumes, and what nodes are told of them."""

from typing import Any

import pytest

from coordinator.commands.operations import Moment
from coordinator.commands.standings import DONE, RUNNING
from coordinator.commands.volume_catalogue import bury, create, delete, progress
from coordinator.errors import Conflict, NotFound
from coordinator.placement.mounts import deserted_mounts, mounts_for, unfit_mounts
from coordinator.views.rollup import NodePicture
from schemas.command import CreateVolume, DeleteVolume
from schemas.current import EngineCurrent, MountCurrent, NodeCurrent
from schemas.desired import DesiredMount, NodeDesired
from schemas.errors import InvalidInput
from schemas.records import VolumeRecord
from schemas.release import Operation
from schemas.reply import Progress
from schemas.states import EngineState, MountState, NodeState, State, Wanted

MOMENT = Moment(now="2026-01-01T00:00:00Z", operation_id="op")
NAS = {"diskid": "1", "host": "nas.example", "path": "/abc", "mode": "755"}
OSSFS = {"bucket": "bucket-1", "ak_id": "the-id", "ak_secret": "the-secret", "url": "http://oss"}


def a_command(name: str = "data", driver: str = "nas", **options: Any) -> CreateVolume:
    given = {**(NAS if driver == "nas" else OSSFS), **options}
    return CreateVolume(command_id="c", name=name, driver=driver, driver_opts=given)


def a_record(name: str = "data", driver: str = "nas", **options: Any) -> VolumeRecord:
    return create(None, a_command(name, driver, **options), (), MOMENT).record


def a_node(*mounts: MountCurrent, generation: int = 1, observed_at: str = "") -> NodePicture:
    current = NodeCurrent(
        node="n1",
        boot_id="b",
        agent_version="1",
        address="10.0.0.1",
        engine=EngineCurrent(state=EngineState.READY),
        epoch=1,
        generation=generation,
        mounts=mounts,
        observed_at=observed_at,
    )
    return NodePicture("n1", 1, "t", NodeState.READY, current=current)


def a_mount(state: MountState, name: str = "data", **fields: Any) -> MountCurrent:
    return MountCurrent(name=name, state=state, **fields)


class TestCreate:
    def test_the_answer_is_the_reference_s_object(self) -> None:
        assert create(None, a_command(), (), MOMENT).reply.result == {
            "Name": "data",
            "Driver": "nas",
            "Mountpoint": "/mnt/acs_mnt/nas/data",
            "Labels": None,
            "Scope": "global",
        }

    def test_it_is_shown_below_the_cluster_s_directory(self) -> None:
        shown = create(None, a_command(), (), MOMENT, "/srv/acs").reply.result
        assert shown["Mountpoint"] == "/srv/acs/nas/data"

    def test_an_ossfs_volume_is_mounted_by_its_bucket(self) -> None:
        reply = create(None, a_command("pictures", "ossfs"), (), MOMENT).reply
        assert reply.result["Mountpoint"] == "/mnt/acs_mnt/ossfs/bucket-1"

    def test_keys_are_taken_in_any_case_and_both_spellings(self) -> None:
        plain = {"command_id": "c", "Name": "data", "Driver": "nas"}
        options = {"Disk_ID": "1", "HOST": "h", "Path": "/", "mode": 755}
        command = CreateVolume.model_validate({**plain, "DriverOpts": options})
        nas = create(None, command, (), MOMENT).record.volume.nas
        assert nas is not None
        assert (nas.diskid, nas.host, nas.path, nas.mode) == ("1", "h", "/", "755")

    def test_secrets_are_kept_apart_and_are_never_shown(self) -> None:
        decision = create(None, a_command("p", "ossfs"), (), MOMENT)
        assert decision.record.secret is not None
        assert decision.record.secret.ak_secret == "the-secret"
        shown = repr(decision) + repr(a_command("p", "ossfs")) + str(decision.reply.result)
        assert "the-secret" not in shown
        assert "the-id" not in shown

    @pytest.mark.parametrize(
        ("command", "where"),
        [
            (a_command(size="3"), "driverOpts.size"),
            (a_command(path="abc"), "driverOpts.path"),
            (a_command(mode="999"), "driverOpts.mode"),
            (a_command(host="a b"), "driverOpts.host"),
            (a_command(host=""), "driverOpts.host"),
            (a_command(ak_secret="x"), "driverOpts.ak_secret"),
            (a_command("p", "ossfs", ak_secret=""), "driverOpts.ak_secret"),
            (a_command("p", "ossfs", bucket="../x"), "driverOpts.bucket"),
            # What every node would refuse to mount.
            (a_command("p", "ossfs", other_opts="-o suid"), "driverOpts.other_opts"),
            (a_command("p", "ossfs", url="http://a:b.example"), "driverOpts.url"),
            (a_command("p", "ossfs", ak_id="the id"), "driverOpts.ak_id"),
            (a_command("p", "ossfs", ak_secret="the-secret" * 30), "driverOpts.ak_secret"),
            (a_command("p", "ossfs", ak_secret="the-secret\ud800"), "driverOpts.ak_secret"),
            (a_command(path="/a/../b"), "driverOpts.path"),
            (a_command(path="/a\0"), "driverOpts.path"),
            (a_command(read_only="maybe"), "driverOpts.read_only"),
            (a_command(when_stuck="run"), "driverOpts.when_stuck"),
        ],
    )
    def test_what_is_wrong_is_named(self, command: CreateVolume, where: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            create(None, command, (), MOMENT)
        assert refusal.value.where == where
        assert "the-secret" not in str(refusal.value)

    def test_a_name_and_a_place_are_taken_once(self) -> None:
        with pytest.raises(Conflict, match="already exists"):
            create(a_record(), a_command(), (), MOMENT)
        with pytest.raises(Conflict, match="mounted at ossfs/bucket-1 already"):
            create(None, a_command("b", "ossfs"), [a_record("a", "ossfs")], MOMENT)
        leaving = a_record().model_copy(update={"desired_state": State.DELETED})
        with pytest.raises(Conflict, match="is still being deleted"):
            create(leaving, a_command(), (), MOMENT)
        assert create(bury(a_record()), a_command(), (), MOMENT).record.is_gone is False


class TestDelete:
    def test_one_in_use_is_refused_naming_its_users(self) -> None:
        command = DeleteVolume(command_id="d", name="data")
        with pytest.raises(Conflict, match="in use by shop_db, shop_web"):
            delete(a_record(), command, ("shop_web", "shop_db"), MOMENT)

    def test_one_that_nobody_knows_is_not_found(self) -> None:
        command = DeleteVolume(command_id="d", name="data")
        for held in (None, bury(a_record())):
            with pytest.raises(NotFound, match="there is no volume 'data'"):
                delete(held, command, (), MOMENT)

    def test_its_secret_is_forgotten_with_it(self) -> None:
        assert bury(a_record("p", "ossfs")).secret is None


class TestDocuments:
    def test_every_node_gets_every_volume(self) -> None:
        held = NodeDesired(node="n1", epoch=1, generation=1)
        mounts = mounts_for(a_node(), held, [a_record("b"), a_record("a")], has_read=True)
        assert [(m.name, m.wanted) for m in mounts] == [
            ("a", Wanted.RUNNING),
            ("b", Wanted.RUNNING),
        ]

    def test_the_order_to_unmount_stays_until_the_node_has_carried_it_out(self) -> None:
        record = a_record().model_copy(update={"desired_state": State.DELETED})
        empty = NodeDesired(node="n1", epoch=1, generation=1)
        before = mounts_for(a_node(), empty, [a_record()], has_read=True)
        held = empty.model_copy(update={"mounts": before})
        mounted = a_node(a_mount(MountState.MOUNTED))
        ordered = mounts_for(mounted, held, [record], has_read=True)
        assert [mount.wanted for mount in ordered] == [Wanted.ABSENT]
        assert ordered[0].secret is None
        held = held.model_copy(update={"mounts": ordered})
        assert mounts_for(mounted, held, [record], has_read=True) == ordered
        assert mounts_for(a_node(), held, [record], has_read=False) == ordered
        assert mounts_for(a_node(), held, [record], has_read=True) == ()

    @pytest.mark.parametrize("wanted", [Wanted.RUNNING, Wanted.ABSENT])
    @pytest.mark.parametrize("has_read", [True, False])
    def test_without_a_record_an_entry_stays_as_it_is(self, wanted: Wanted, has_read: bool) -> None:
        entry = DesiredMount(volume=a_record("p", "ossfs").volume, wanted=wanted)
        held = NodeDesired(node="n1", epoch=1, generation=1, mounts=(entry,))
        mounted = a_node(a_mount(MountState.MOUNTED, "p"))
        assert mounts_for(mounted, held, [], has_read=has_read) == (entry,)

    def test_a_tombstone_unmounts(self) -> None:
        entry = DesiredMount(volume=a_record().volume)
        held = NodeDesired(node="n1", epoch=1, generation=1, mounts=(entry,))
        record = delete(a_record(), DeleteVolume(command_id="d", name="data"), (), MOMENT).record
        (mount,) = mounts_for(a_node(), held, [bury(record)], has_read=True)
        assert mount.wanted is Wanted.ABSENT

    def test_a_failed_or_stuck_volume_is_unfit_and_is_deserted_only_if_it_says_so(self) -> None:
        wait, move = {"data": a_record()}, {"data": a_record(when_stuck="move")}
        stuck, failed = a_node(a_mount(MountState.STUCK)), a_node(a_mount(MountState.FAILED))
        fine = a_node(a_mount(MountState.MOUNTING))
        unknown = [a_node(a_mount(state, is_known=False)) for state in MountState]
        assert {unfit_mounts(node, wait) for node in unknown} == {frozenset({"nas/data"})}
        assert {deserted_mounts(node, move) for node in unknown} == {frozenset()}
        assert unfit_mounts(stuck, wait) == unfit_mounts(failed, wait) == {"nas/data"}
        assert unfit_mounts(fine, wait) == frozenset()
        assert deserted_mounts(stuck, wait) == deserted_mounts(failed, move) == frozenset()
        assert deserted_mounts(stuck, move) == {"nas/data"}

    @pytest.mark.parametrize(
        ("since", "is_deserted"), [("10:00:00", True), ("10:00:05", False), ("", False)]
    )
    def test_one_that_has_failed_for_a_minute_is_deserted_as_well(
        self, since: str, is_deserted: bool
    ) -> None:
        at = f"2026-01-01T{since}Z" if since else ""
        node = a_node(
            a_mount(MountState.FAILED, since=at), observed_at="2026-01-01T10:01:00.123456Z"
        )
        move = {"data": a_record(when_stuck="move")}
        assert bool(deserted_mounts(node, move)) is is_deserted


class TestProgress:
    CREATION = Operation(id="op", verb="volume.create", started=MOMENT.now, number=1)
    DELETION = Operation(id="op", verb="volume.delete", started=MOMENT.now, number=2)
    GOING = a_record().model_copy(update={"desired_state": State.DELETED})

    def test_it_is_done_when_it_is_mounted_on_every_node_that_answers(self) -> None:
        record = a_record()
        mounted, mounting = a_mount(MountState.MOUNTED), a_mount(MountState.MOUNTING)
        assert progress(self.CREATION, record, [a_node(mounted)]) == DONE
        assert progress(self.CREATION, record, [a_node(mounted), a_node(mounting)]) == RUNNING
        assert progress(self.CREATION, record, [a_node(mounted), a_node()]) == RUNNING
        unknown = a_mount(MountState.MOUNTED, is_known=False)
        assert progress(self.CREATION, record, [a_node(mounted), a_node(unknown)]) == RUNNING
        assert progress(self.CREATION, record, []) == RUNNING

    def test_a_failure_names_the_node_and_the_reason(self) -> None:
        node = a_node(a_mount(MountState.FAILED, reason="access denied"))
        standing = progress(self.CREATION, a_record(), [node])
        assert standing.progress is Progress.FAILED
        assert standing.reason == "access denied (node n1)"

    def test_a_deletion_is_done_when_it_is_gone(self) -> None:
        assert progress(self.DELETION, self.GOING, [a_node()]) == RUNNING
        assert progress(self.DELETION, bury(self.GOING), [a_node()]) == DONE
        assert progress(self.DELETION, a_record(), [a_node()]) == DONE

    @pytest.mark.parametrize("record", [None, GOING, bury(GOING)], ids=["no", "going", "gone"])
    def test_a_creation_is_superseded_by_a_deletion(self, record: VolumeRecord | None) -> None:
        standing = progress(self.CREATION, record, [a_node()])
        assert (standing.progress, standing.reason) == (
            Progress.SUPERSEDED,
            "superseded by volume.delete",
        )
