"""What a keeper of mounts promises, on made-up mounts and on real FUSE."""

import asyncio
import subprocess
import time
from collections.abc import Callable

import pytest

from schemas.current import MountCurrent
from schemas.desired import DesiredMount
from schemas.states import MountState
from schemas.volume import VolumeSecret
from tests.contract.mountd.conftest import NEEDS_ROOT
from tests.contract.mountd.trials import Node, RealTrial, Trial, absent, orders, with_keys

#: a mount whose server is silent takes its time to say so, and a made-up one takes none
WITH_A_SILENT_SERVER = pytest.mark.parametrize(
    "trial", ["fake", pytest.param("fuse", marks=[NEEDS_ROOT, pytest.mark.long])], indirect=True
)
WRONG = VolumeSecret(ak_id="AKIAWRONGWRONGWRONG1", ak_secret="wr0ng-and-secret")


async def until(
    node: Node,
    what: Callable[[MountCurrent | None], bool],
    *asked: DesiredMount,
    within_s: float = 20.0,
) -> MountCurrent | None:
    """Repeat the orders, as an agent does, until the first volume's report is as expected."""
    name = asked[0].name
    seen, give_up = -1, time.monotonic() + within_s
    while True:
        question = orders(*asked).model_copy(update={"seen": seen, "wait_s": 0.5})
        report = await node.keeper.answer(question)
        assert report.error == ""
        seen = report.number
        current = next((one for one in report.mounts if one.name == name), None)
        if what(current):
            return current
        assert time.monotonic() < give_up, f"still {current}"


def turned(state: MountState) -> Callable[[MountCurrent | None], bool]:
    return lambda current: current is not None and current.state is state


async def nothing_is_left(trial: Trial) -> None:
    """The program of a mount ends after the mount is gone."""
    async with asyncio.timeout(10):
        while trial.left():  # noqa: ASYNC110 # a process table sets no event
            await asyncio.sleep(0.02)


async def mounted(node: Node, *asked: DesiredMount) -> MountCurrent:
    current = await until(node, turned(MountState.MOUNTED), *asked)
    assert current is not None
    return current


async def test_a_mounted_volume_keeps_what_is_written(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    current = await mounted(node, order)
    path = order.volume.mount_path
    assert current.mountpoint == f"{trial.base}/{path}"
    assert current.incarnation
    assert current.reason == ""
    await trial.write(path, "a", "text")
    assert await trial.read(path, "a") == "text"


async def test_a_mount_that_serves_is_probed_again_and_again(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    first = await mounted(node, order)

    def answered_later(current: MountCurrent | None) -> bool:
        return current is not None and current.answered_at > first.answered_at

    later = await until(node, answered_later, order)
    assert later is not None
    assert (later.state, later.incarnation) == (MountState.MOUNTED, first.incarnation)
    assert later.since == first.since


async def test_a_dead_program_is_replaced_and_the_mount_is_another(
    trial: Trial, node: Node
) -> None:
    order = trial.order("photos")
    before = await mounted(node, order)
    await trial.write(order.volume.mount_path, "a", "text")
    trial.kill_program(order.volume.mount_path)

    def healed(current: MountCurrent | None) -> bool:
        return turned(MountState.MOUNTED)(current) and current.incarnation != before.incarnation  # type: ignore[union-attr]

    await until(node, healed, order)
    assert await trial.read(order.volume.mount_path, "a") == "text"


async def test_what_somebody_unmounts_is_mounted_again(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    before = await mounted(node, order)
    trial.snatch(order.volume.mount_path)

    def healed(current: MountCurrent | None) -> bool:
        return turned(MountState.MOUNTED)(current) and current.incarnation != before.incarnation  # type: ignore[union-attr]

    await until(node, healed, order)


@WITH_A_SILENT_SERVER
async def test_a_server_that_is_silent_from_the_start_is_mounted_when_it_answers(
    trial: Trial, node: Node
) -> None:
    order = trial.order("photos")
    trial.freeze_server()
    failed = await until(node, turned(MountState.FAILED), order, within_s=trial.verdict_s)
    assert failed is not None
    assert "doesn't answer" in failed.reason
    trial.thaw_server()
    await mounted(node, order)


async def test_wrong_keys_fail_and_say_so(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    failed = await until(node, turned(MountState.FAILED), with_keys(order, WRONG))
    assert failed is not None
    assert "refuses the keys" in failed.reason
    assert WRONG.ak_secret not in failed.reason
    # Orders that are put right are carried out at once, not after a back-off.
    await mounted(node, order)


@WITH_A_SILENT_SERVER
async def test_a_silent_server_makes_its_mounts_stuck_until_it_answers(
    trial: Trial, node: Node
) -> None:
    order = trial.order("photos")
    before = await mounted(node, order)
    trial.freeze_server()
    stuck = await until(node, turned(MountState.STUCK), order, within_s=trial.verdict_s)
    assert stuck is not None
    assert stuck.reason
    assert stuck.incarnation == before.incarnation
    trial.thaw_server()
    healed = await mounted(node, order)
    assert healed.incarnation == before.incarnation
    assert healed.since > stuck.since


@WITH_A_SILENT_SERVER
async def test_a_silent_server_never_holds_up_the_loop(trial: Trial, node: Node) -> None:
    order, other = trial.order("photos"), trial.order("films")
    await mounted(node, order, other)
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.02)
            gaps.append(time.monotonic() - began - 0.02)

    ticking = asyncio.create_task(tick())
    trial.freeze_server()
    await until(node, turned(MountState.STUCK), order, other, within_s=trial.verdict_s)
    trial.thaw_server()
    ticking.cancel()
    await asyncio.wait({ticking})
    # A loop that touched the share would stand still for seconds; a busy machine doesn't.
    assert max(gaps) < 0.5


@WITH_A_SILENT_SERVER
async def test_a_stuck_mount_can_be_unmounted(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    await mounted(node, order)
    trial.freeze_server()
    await until(node, turned(MountState.STUCK), order, within_s=trial.verdict_s)
    await until(node, lambda current: current is None, absent(order), within_s=trial.verdict_s)
    await nothing_is_left(trial)


async def test_absent_unmounts_and_leaves_nothing(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    await mounted(node, order)
    await until(node, lambda current: current is None, absent(order))
    await nothing_is_left(trial)
    # And what was written is the server's: the next mount shows it.
    await mounted(node, order)


async def test_a_volume_that_the_orders_do_not_mention_is_left_as_it_is(
    trial: Trial, node: Node
) -> None:
    order, other = trial.order("photos"), trial.order("films")
    before = await mounted(node, order, other)
    await mounted(node, other, order)
    report = await node.keeper.answer(orders(other))
    assert {one.name for one in report.mounts} == {"photos", "films"}
    after = await mounted(node, order, other)
    assert after.incarnation == before.incarnation


async def test_the_next_process_adopts_what_is_mounted(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    before = await mounted(node, order)
    await trial.write(order.volume.mount_path, "a", "text")
    await node.stop()
    successor = Node(trial)
    try:
        # Before it has heard of any orders.
        await asyncio.sleep(0)
        assert [one.name for one in successor.keeper.report().mounts] == ["photos"]
        after = await mounted(successor, order)
        assert after.incarnation == before.incarnation
        assert await trial.read(order.volume.mount_path, "a") == "text"
        trial.kill_program(order.volume.mount_path)

        def healed(current: MountCurrent | None) -> bool:
            return turned(MountState.MOUNTED)(current) and current != after

        await until(successor, healed, order)
    finally:
        await successor.stop()


async def test_changed_orders_make_another_mount(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    before = await mounted(node, order)
    read_only = order.model_copy(
        update={"volume": order.volume.model_copy(update={"read_only": True})}
    )

    def anew(current: MountCurrent | None) -> bool:
        return turned(MountState.MOUNTED)(current) and current.incarnation != before.incarnation  # type: ignore[union-attr]

    await until(node, anew, read_only)


async def test_an_option_that_is_not_allowed_is_named(trial: Trial, node: Node) -> None:
    order = trial.order("photos")
    assert order.volume.ossfs is not None
    hostile = order.volume.ossfs.model_copy(update={"other_opts": "-o use_cache=/etc"})
    asked = order.model_copy(update={"volume": order.volume.model_copy(update={"ossfs": hostile})})
    failed = await until(node, turned(MountState.FAILED), asked)
    assert failed is not None
    assert "use_cache" in failed.reason
    await nothing_is_left(trial)


@NEEDS_ROOT
async def test_what_somebody_mounts_over_a_volume_is_taken_away_and_never_used(
    real_trial: RealTrial,
) -> None:
    node = Node(real_trial)
    try:
        order = real_trial.order("photos")
        before = await mounted(node, order)
        path = order.volume.mount_path
        await real_trial.write(path, "a", "text")
        covering = ["mount", "-t", "tmpfs", "other", f"{real_trial.base}/{path}"]
        subprocess.run(covering, check=True)  # noqa: ASYNC221 # it waits for nobody

        def healed(current: MountCurrent | None) -> bool:
            return turned(MountState.MOUNTED)(current) and current.incarnation != before.incarnation  # type: ignore[union-attr]

        await until(node, healed, order)
        assert await real_trial.read(path, "a") == "text"
    finally:
        await node.stop()
