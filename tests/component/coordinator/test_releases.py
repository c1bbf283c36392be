"""Updates from the command to the last container, against agents that obey."""

from itertools import pairwise

import pytest

from schemas.command import ScaleService, StopProject
from schemas.release import ReleaseState
from schemas.reply import Progress, ReasonCode
from schemas.states import State
from tests.component.coordinator.releasing import (
    Shop,
    confirm,
    roll_back,
    rolling,
    update,
)
from tests.component.coordinator.world import code

WEB = {f"shop_web_{n}" for n in range(1, 7)}
WEB_2 = {f"shop_web_{n}_r2" for n in range(1, 7)}
ORDERS = ["stop-first", "start-first"]


class TestRolling:
    async def test_two_at_a_time_are_replaced_under_their_names(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(2)))
        await shop.rest()
        new = [sum(v == "2.0" and "web" in n for n, v in step.items()) for step in shop.seen]
        assert sorted(new) == new
        assert {b - a for a, b in pairwise(new)} == {0, 2}
        assert shop.healthy().keys() == {*WEB, "shop_db_1"}
        assert (shop.record.version, shop.record.revision) == ("2.0", 2)
        assert shop.world.view().current_state is State.RUNNING

    async def test_start_first_never_has_fewer_than_wanted(self) -> None:
        shop = Shop()
        await shop.start(rolling(1, order="start-first"))
        await shop.say(update(rolling(2, order="start-first")))
        await shop.rest()
        assert min(shop.versions()) == 6
        assert max(shop.versions()) == 8
        assert shop.healthy().keys() == {*WEB_2, "shop_db_1"}

    @pytest.mark.parametrize("order", ORDERS)
    async def test_the_first_batch_that_fails_pauses_it(self, order: str) -> None:
        shop = Shop()
        shop.sick = {"web:2"}
        await shop.start(rolling(1, order=order))
        await shop.say(update(rolling(2, order=order)))
        await shop.rest()
        assert shop.release.state is ReleaseState.PAUSED
        assert "exited with code 1" in shop.release.message
        assert min(shop.versions()) == (4 if order == "stop-first" else 6)
        assert shop.world.view().current_state is State.STARTING
        assert shop.release.message in shop.world.view().reasons

    @pytest.mark.parametrize("order", ORDERS)
    async def test_where_the_template_says_so_it_goes_back(self, order: str) -> None:
        shop = Shop()
        shop.sick = {"web:2"}
        await shop.start(rolling(1, order=order, action="rollback"))
        before = shop.record
        await shop.say(update(rolling(2, order=order, action="rollback")))
        await shop.rest()
        assert shop.record.release is None
        assert shop.record.last_release
        assert shop.record.last_release.outcome is ReleaseState.ROLLED_BACK
        assert shop.record.services == before.services
        assert shop.healthy().keys() == {*WEB, "shop_db_1"}
        assert shop.world.view().current_state is State.RUNNING

    @pytest.mark.parametrize("order", ORDERS)
    async def test_somebody_can_go_back_from_a_pause_or_go_on(self, order: str) -> None:
        shop = Shop()
        shop.sick = {"web:2"}
        await shop.start(rolling(1, order=order))
        await shop.say(update(rolling(2, order=order)))
        await shop.rest()
        await shop.say(roll_back())
        await shop.rest()
        assert shop.healthy() == dict.fromkeys({*WEB, "shop_db_1"}, "1.0")
        await shop.say(update(rolling(2, order=order), "3.0"))
        await shop.rest()
        shop.sick = set()
        await shop.say(confirm())
        await shop.rest()
        assert shop.record.version == "3.0"
        assert shop.record.release is None

    async def test_the_update_s_wait_ends_with_its_outcome(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        reply = await shop.say(update(rolling(2)))
        await shop.rest()
        again = await shop.world.intake.submit(update(rolling(2), wait=1))
        assert (again.operation_id, again.progress) == (reply.operation_id, Progress.DONE)
        shop.sick = {"web:3"}
        await shop.say(update(rolling(3), "3.0"))
        await shop.rest()
        again = await shop.world.intake.submit(update(rolling(3), "3.0", wait=1))
        assert again.progress is Progress.FAILED
        assert again.reason
        assert "paused" in again.reason.message


class TestImages:
    @pytest.mark.parametrize("action", ["pause", "rollback"])
    async def test_one_that_is_nowhere_touches_nothing(self, action: str) -> None:
        shop = Shop()
        shop.missing = {"web:2"}
        await shop.start(rolling(1, action=action))
        await shop.say(update(rolling(2, action=action)))
        await shop.rest()
        assert all(set(step.values()) == {"1.0"} for step in shop.seen)
        release = shop.record.release
        if action == "rollback":
            assert release is None
            return
        assert release
        assert release.state is ReleaseState.PULL_FAILED
        assert "no such image" in release.message

    async def test_it_goes_on_when_it_is_there_after_all(self) -> None:
        shop = Shop()
        shop.missing = {"web:2"}
        await shop.start(rolling(1))
        await shop.say(update(rolling(2)))
        await shop.rest()
        shop.missing = set()
        await shop.steps(2)
        await shop.rest()
        assert shop.record.version == "2.0"


class TestBlueGreen:
    async def test_both_run_until_it_is_confirmed(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(2), update_method="blue-green"))
        await shop.rest()
        assert shop.release.state is ReleaseState.AWAITING_CONFIRMATION
        assert shop.healthy().keys() == WEB | WEB_2 | {"shop_db_1"}
        assert shop.world.view().current_state is State.RUNNING
        assert set(shop.world.view().services) == {"web", "db"}
        await shop.say(confirm())
        await shop.rest()
        assert shop.record.version == "2.0"
        assert shop.healthy().keys() == WEB_2 | {"shop_db_1"}

    async def test_after_a_rollback_nothing_is_left(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        before = shop.record
        await shop.say(update(rolling(2), update_method="blue-green"))
        await shop.rest()
        await shop.say(roll_back())
        await shop.rest()
        assert shop.healthy() == dict.fromkeys({*WEB, "shop_db_1"}, "1.0")
        assert shop.record.services == before.services
        assert shop.record.version == "1.0"

    async def test_it_may_be_confirmed_while_it_starts(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(2), update_method="blue-green"))
        await shop.say(confirm())
        assert shop.healthy().keys() == WEB | {"shop_db_1"}
        await shop.rest()
        assert shop.record.version == "2.0"
        assert shop.record.release is None

    async def test_one_that_fails_after_an_early_confirmation_is_pending_again(self) -> None:
        shop = Shop()
        shop.sick = {"web:2"}
        shop.world.loop._releases._deadline_s = 5.0
        await shop.start(rolling(1))
        await shop.say(update(rolling(2), update_method="blue-green"))
        await shop.say(confirm())
        await shop.rest()
        assert shop.release.state is ReleaseState.PAUSED
        assert not shop.release.confirmed
        refused = await shop.world.intake.submit(confirm(command_id="again"))
        assert code(refused) is ReasonCode.CONFLICT
        await shop.say(roll_back())
        await shop.rest()
        assert shop.healthy() == dict.fromkeys({*WEB, "shop_db_1"}, "1.0")

    async def test_a_template_that_changes_nothing_only_awaits_its_confirmation(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(1), update_method="blue-green", latest_image=True))
        assert shop.release.state is ReleaseState.AWAITING_CONFIRMATION
        await shop.say(confirm())
        await shop.rest()
        assert shop.record.version == "2.0"
        assert shop.healthy().keys() == WEB | {"shop_db_1"}

    async def test_ten_rounds_leave_one_set(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        for number in range(2, 12):
            await shop.say(update(rolling(number), f"{number}.0", update_method="blue-green"))
            await shop.rest()
            last = confirm if number % 2 else roll_back
            await shop.say(last(command_id=f"c{number}"))
            await shop.rest()
        assert len(shop.healthy()) == 7
        documents = [shop.world.document(index) for index in (1, 2)]
        assert sum(len(each.slots) for each in documents if each) == 7

    async def test_scale_and_stop_are_about_both(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(2), update_method="blue-green"))
        await shop.rest()
        scale = ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=1)
        await shop.say(scale)
        await shop.steps(4)
        assert shop.healthy().keys() == {"shop_web_1", "shop_web_1_r2", "shop_db_1"}
        await shop.say(StopProject(command_id="stop", name="shop"))
        await shop.steps(4)
        assert shop.healthy() == {}
        assert shop.world.view().current_state is State.STOPPED


class TestRefused:
    async def test_a_second_one_while_one_is_unconfirmed(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(2), update_method="blue-green"))
        await shop.rest()
        before = shop.record
        for method in ("", "blue-green"):
            second = update(rolling(3), "3.0", update_method=method, command_id=f"x{method}")
            reply = await shop.world.intake.submit(second)
            assert code(reply) is ReasonCode.CONFLICT
            assert reply.reason
            assert "Conflicts with unconfirmed updates for operation" in reply.reason.message
        assert shop.record == before

    async def test_the_version_that_is_there_already(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        reply = await shop.world.intake.submit(update(rolling(2), "1.0"))
        assert code(reply) is ReasonCode.CONFLICT

    async def test_blue_green_without_a_version(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        reply = await shop.world.intake.submit(update(rolling(2), "", update_method="blue-green"))
        assert code(reply) is ReasonCode.INVALID

    @pytest.mark.parametrize("command", [confirm(), roll_back()])
    async def test_what_there_is_nothing_for(self, command) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        assert code(await shop.world.intake.submit(command)) is ReasonCode.CONFLICT


async def test_a_version_that_is_not_said_is_counted_up() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await shop.say(update(rolling(2), ""))
    await shop.rest()
    assert shop.record.version == "1.1"


async def test_an_earlier_revision_comes_back_as_a_new_one() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await shop.say(update(rolling(2)))
    await shop.rest()
    await shop.say(roll_back(to=1))
    await shop.rest()
    assert (shop.record.version, shop.record.revision) == ("1.0", 3)
    assert [note.of_revision for note in shop.record.history] == [0, 0, 1]
    assert shop.healthy().keys() == {*WEB, "shop_db_1"}


async def test_a_batch_without_a_check_is_no_proof_in_its_first_moment() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await shop.say(update(rolling(2)))
    await shop.until(ReleaseState.UPDATING)
    for _ in range(5):
        await shop.pass_at_once()
        assert shop.release.rollouts["web"].begun == 2
    await shop.step()
    await shop.step()
    assert shop.release.rollouts["web"].begun == 4
