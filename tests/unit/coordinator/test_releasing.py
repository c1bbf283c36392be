"""What update, confirm, rollback and weights do to a record."""

from typing import Any

import pytest

from coordinator.commands.operations import Moment
from coordinator.commands.releasing import (
    UNCONFIRMED,
    check_no_release,
    confirm,
    next_revision,
    roll_back,
    update,
    version_of,
    weigh,
)
from coordinator.errors import Conflict
from coordinator.releases.steps import REVISIONS_KEPT, Happening, noted, step
from coordinator.releases.table import Signal
from schemas.command import ConfirmUpdate, RollbackUpdate, SetWeights, UpdateProject
from schemas.errors import InvalidInput
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind, ReleaseState, RevisionNote
from schemas.revision import RevisionRecord
from schemas.template import ProjectTemplate
from schemas.versions import counted_up
from tests.builders import TIME, a_project, a_service
from tests.releases import an_update
from tests.unit.coordinator.routing import a_release, a_routed

MOMENT = Moment(now="2026-11-23T13:00:00Z", operation_id="o-2")
NAMED = {"command_id": "c", "name": "shop"}


def an_update_command(**fields: Any) -> UpdateProject:
    return UpdateProject.model_validate({**NAMED, "template": "", **fields})


def no_slots(_name: str) -> tuple[int, ...]:
    return ()


def released(
    state: ReleaseState = ReleaseState.UPDATING,
    kind: ReleaseKind = ReleaseKind.STANDARD,
    **fields: Any,
) -> ProjectRecord:
    record = an_update(a_project(), [a_service(image="web:2").template], kind)
    assert record.release
    changed = {"state": state, **fields}
    return record.model_copy(update={"release": record.release.model_copy(update=changed)})


def updated(held: ProjectRecord, template: ProjectTemplate, **fields: Any) -> ProjectRecord:
    command = an_update_command(**{"version": "2.0", **fields})
    number = next_revision(held)
    revision = RevisionRecord(
        project="shop", number=number, version=command.version, template="text", created=TIME
    )
    return update(held, command, template, revision, MOMENT)[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1.0", "1.1"),
        ("1.9", "1.10"),
        ("v2", "v3"),
        ("x", "x.1"),
        ("", ".1"),
        ("2024-01-09-rc", "2024-01-10-rc"),
        ("99", "100"),
    ],
)
def test_a_version_that_is_not_said_is_the_current_one_counted_up(before: str, after: str) -> None:
    assert counted_up(before) == after
    assert version_of(a_project(version=before), an_update_command()) == after


def test_an_update_makes_another_version() -> None:
    assert version_of(a_project(), an_update_command(version="2.0")) == "2.0"
    with pytest.raises(Conflict, match="already"):
        version_of(a_project(), an_update_command(version="1.0"))


def test_a_blue_green_update_says_its_version() -> None:
    with pytest.raises(InvalidInput, match="needs a version"):
        version_of(a_project(), an_update_command(update_method="blue-green"))


def test_no_revision_s_number_is_given_twice() -> None:
    note = RevisionNote(number=7, version="6.0", created=TIME)
    assert next_revision(a_project(revision=3)) == 4
    assert next_revision(a_project(revision=3, history=(note,))) == 8


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ReleaseState.AWAITING_CONFIRMATION, "version 2.0 awaits its confirmation: confirm it or"),
        (ReleaseState.ROLLING_BACK, "the update to version 2.0 is being rolled back"),
        (ReleaseState.ROLLBACK_PAUSED, "the update to version 2.0 is being rolled back"),
        (ReleaseState.PULL_FAILED, "the update to version 2.0 is pull failed: wait for its end"),
        (ReleaseState.UPDATING, "the update to version 2.0 is updating: wait for its end"),
    ],
)
def test_what_can_t_be_done_during_an_update_says_why(state: ReleaseState, words: str) -> None:
    with pytest.raises(Conflict) as caught:
        check_no_release(released(state), "redeploy")
    said = str(caught.value)
    assert said.startswith(f"{UNCONFIRMED}: project shop can't redeploy now, ")
    assert words in said


def test_without_an_update_nothing_is_refused() -> None:
    check_no_release(a_project(), "redeploy")


@pytest.mark.parametrize(("method", "kind"), [("", "standard"), ("blue-green", "blue-green")])
def test_an_update_pulls_first_whatever_its_kind(method: str, kind: str) -> None:
    template = ProjectTemplate(services=(a_service(image="web:2").template,))
    after = updated(a_project(), template, update_method=method)
    assert after.release
    assert (after.release.kind.value, after.release.state) == (kind, ReleaseState.PULLING)
    assert [note.number for note in after.history] == [2]
    assert after.services == a_project().services


@pytest.mark.parametrize(
    ("method", "state"), [("", None), ("blue-green", ReleaseState.AWAITING_CONFIRMATION)]
)
def test_an_update_that_replaces_nothing_is_at_its_end_at_once(
    method: str, state: ReleaseState | None
) -> None:
    template = ProjectTemplate(services=(a_service().template,))
    after = updated(a_project(), template, update_method=method)
    assert (after.release.state if after.release else None) is state


def test_with_latest_images_everything_is_replaced_one_way_and_nothing_the_other() -> None:
    template = ProjectTemplate(services=(a_service().template,))
    after = updated(a_project(), template, latest_image=True)
    assert after.release
    assert set(after.release.rollouts) == {"web"}
    assert after.release.target.services["web"].refresh == 1
    beside = updated(a_project(), template, latest_image=True, update_method="blue-green")
    assert beside.release
    assert not beside.release.rollouts


@pytest.mark.parametrize("verb", ["confirm", "roll back"])
def test_without_an_update_there_is_nothing_to_decide(verb: str) -> None:
    with pytest.raises(Conflict, match=f"project shop has no update to {verb}"):
        decided(a_project(), verb)


def decided(held: ProjectRecord, verb: str) -> ProjectRecord:
    if verb == "confirm":
        return confirm(held, ConfirmUpdate.model_validate(NAMED), MOMENT, no_slots)[0]
    return roll_back(held, RollbackUpdate.model_validate(NAMED), MOMENT, no_slots)[0]


@pytest.mark.parametrize(
    ("message", "words"), [("web crashed", "web crashed"), ("", "its update is pulling")]
)
def test_what_can_t_be_confirmed_yet_says_how_far_it_is(message: str, words: str) -> None:
    with pytest.raises(Conflict, match=f"project shop can't confirm now: {words}"):
        decided(released(ReleaseState.PULLING, message=message), "confirm")


def test_what_somebody_undoes_says_so() -> None:
    after = decided(released(), "roll back")
    assert after.release
    assert after.release.message == "the update to 2.0 is rolled back: somebody asked for it"
    assert after.release.decided_by
    assert after.release.decided_by.id == "o-2"


@pytest.mark.parametrize(
    ("is_smooth", "weights"), [(True, {"web": {"1.0": 0, "2.0": 100}}), (False, {})]
)
def test_a_confirmation_moves_the_traffic_first_unless_it_is_to_stay(
    is_smooth: bool, weights: dict[str, dict[str, int]]
) -> None:
    held = released(ReleaseState.AWAITING_CONFIRMATION, ReleaseKind.BLUE_GREEN)
    command = ConfirmUpdate.model_validate({**NAMED, "force": is_smooth})
    after, _ = confirm(held, command, MOMENT, no_slots)
    assert after.release
    assert after.release.state is ReleaseState.CONFIRMING
    assert after.weights == weights


def test_weights_that_are_set_are_the_record_s() -> None:
    held = a_release(a_routed("web"), to=[a_routed("web")])
    command = SetWeights.model_validate({**NAMED, "weights": {"web": {"2.0": 50}}})
    after, reply = weigh(held, command, MOMENT)
    assert after.weights == {"web": {"2.0": 50}}
    assert (after.updated, reply.operation_id) == (MOMENT.now, "o-2")


def test_a_step_that_the_table_doesn_t_have_is_no_step() -> None:
    with pytest.raises(KeyError):
        step(a_project(), Signal.PULLED, Happening(TIME), no_slots)
    with pytest.raises(KeyError):
        step(released(ReleaseState.PULLING), Signal.ROUTED, Happening(TIME), no_slots)


def test_only_the_newest_revisions_are_noted() -> None:
    record = a_project(revision=REVISIONS_KEPT + 5)
    for number in range(1, REVISIONS_KEPT + 6):
        record = noted(record, RevisionNote(number=number, version="1", created=TIME))
    assert [note.number for note in record.history] == list(range(6, REVISIONS_KEPT + 6))


def test_the_current_revision_stays_noted_however_many_updates_fail() -> None:
    record = a_project(revision=3)
    for number in range(1, REVISIONS_KEPT + 10):
        record = noted(record, RevisionNote(number=number, version="1", created=TIME))
    newest = range(11, REVISIONS_KEPT + 10)
    assert [note.number for note in record.history] == [3, *newest]
    assert len(record.history) == REVISIONS_KEPT
