"""Networks and volumes in documents, and what a document is."""

import pytest

from coordinator.placement.assignments import has_left
from schemas.desired import DesiredNetwork, DesiredVolume, PullPolicy
from schemas.records import ProjectRecord
from schemas.states import State, Wanted
from tests.builders import (
    a_container,
    a_document,
    a_node,
    a_project,
    a_service,
    an_entry,
    entries,
    follows,
    started,
)

DB = a_service("db")
WEB = a_service("web", after=["db"])
SHOP = a_project(DB, WEB)
NETWORK = DesiredNetwork(project="shop", name="shop_default")
VOLUME = DesiredVolume(project="shop", name="shop_data")


class TestBelongings:
    SHOP = a_project(a_service(), networks=[NETWORK], volumes=[VOLUME])

    def test_a_document_has_the_networks_and_volumes_of_the_projects_on_its_node(self) -> None:
        other = a_project(a_service(), name="other", networks=[], volumes=[])
        changed = follows([self.SHOP, other], [a_node(1), a_node(2)]).changed
        by_project = {
            document.slots[0].project: (document.networks, document.volumes)
            for document in changed.values()
        }
        assert by_project == {"shop": ((NETWORK,), (VOLUME,)), "other": ((), ())}

    def test_when_the_last_slot_leaves_the_networks_do_and_the_volumes_are_kept(self) -> None:
        held = a_document(1, an_entry("web.1"), networks=(NETWORK,), volumes=(VOLUME,))
        node = a_node(1, a_container("web.1"), read=held, volumes=("shop_data",))
        gone = a_project(a_service(scale=0), networks=[NETWORK], volumes=[VOLUME])
        (document,) = follows(gone, [node], [held]).changed.values()
        assert (document.networks, document.volumes) == ((), ())

    def deleted(self, *, volumes: bool) -> ProjectRecord:
        return self.SHOP.model_copy(
            update={"desired_state": State.DELETED, "remove_volumes": volumes}
        )

    @pytest.mark.parametrize("volumes", [False, True])
    def test_volumes_are_removed_only_when_that_is_asked_for(self, volumes: bool) -> None:
        held = a_document(1, an_entry("web.1"), networks=(NETWORK,), volumes=(VOLUME,))
        node = a_node(1, a_container("web.1"), read=held, volumes=("shop_data",))
        (document,) = follows(self.deleted(volumes=volumes), [node], [held]).changed.values()
        assert [v.wanted for v in document.volumes] == ([Wanted.ABSENT] if volumes else [])
        assert document.slots[0].remove_volumes is volumes

    def test_all_volumes_of_a_project_go_wherever_it_left_them_and_nobody_elses(self) -> None:
        """Also those of earlier revisions, and of one that it was rolled back from."""
        owned = {"shop": ("shop_data", "shop_earlier"), "other": ("other_data",)}
        nodes = [
            a_node(1, volumes=[n for names in owned.values() for n in names], volumes_of=owned)
        ]
        (document,) = follows(self.deleted(volumes=True), nodes).changed.values()
        assert [(v.name, v.wanted) for v in document.volumes] == [
            ("shop_data", Wanted.ABSENT),
            ("shop_earlier", Wanted.ABSENT),
        ]

    def test_volumes_stay_where_a_project_is_deleted_without_them(self) -> None:
        node = a_node(1, volumes=("shop_data",), volumes_of={"shop": ("shop_data",)})
        assert follows(self.deleted(volumes=False), [node]).changed == {}
        assert follows(self.SHOP.model_copy(update={"services": {}}), [node]).changed == {}

    def test_another_projects_volume_of_the_name_holds_no_removal_up(self) -> None:
        order = VOLUME.model_copy(update={"wanted": Wanted.ABSENT})
        held = a_document(1, volumes=(order,))
        node = a_node(1, read=held, volumes=("shop_data",), volumes_of={"other": ("shop_data",)})
        (document,) = follows(self.deleted(volumes=True), [node], [held]).changed.values()
        assert document.volumes == ()

    def test_a_removal_that_is_done_leaves_the_document_also_without_a_record(self) -> None:
        held = a_document(1, volumes=(VOLUME.model_copy(update={"wanted": Wanted.ABSENT}),))
        (document,) = follows([], [a_node(1, read=held)], [held]).changed.values()
        assert document.volumes == ()

    def test_a_removal_is_ordered_until_the_node_has_reported_on_it(self) -> None:
        order = VOLUME.model_copy(update={"wanted": Wanted.ABSENT})
        held = a_document(1, volumes=(order,))
        before = a_node(1, epoch=0, generation=0)
        still_there = a_node(1, read=held, volumes=("shop_data",))
        for node in (before, still_there):
            assert follows(self.deleted(volumes=True), [node], [held]).changed == {}
            assert follows([], [node], [held]).changed == {}
        (document,) = follows(
            self.deleted(volumes=True), [a_node(1, read=held)], [held]
        ).changed.values()
        assert document.volumes == ()

    def test_a_project_has_not_left_while_its_volumes_are_there(self) -> None:
        held = a_document(1, volumes=(VOLUME.model_copy(update={"wanted": Wanted.ABSENT}),))
        assert not has_left("shop", [a_node(1)], {"n1": held}, force=False)

    def test_a_project_created_again_gets_its_volume_back(self) -> None:
        held = a_document(1, volumes=(VOLUME.model_copy(update={"wanted": Wanted.ABSENT}),))
        (document,) = follows(self.SHOP, [a_node(1, read=held)], [held]).changed.values()
        assert document.volumes == (VOLUME,)


class TestDocuments:
    def test_a_stale_status_changes_nothing(self) -> None:
        old = started("web.1")
        held = started("web.1", "web.2").model_copy(update={"generation": 7})
        node = a_node(1, a_container("web.1"), read=old)
        assert follows(a_project(a_service(scale=2)), [node], [held]).changed == {}

    def test_generations_count_up_and_carry_the_writers_epoch(self) -> None:
        held = started("web.1").model_copy(update={"epoch": 3, "generation": 7})
        node = a_node(1, a_container("web.1"), read=held)
        changed = follows(a_project(a_service(scale=2)), [node], [held], epoch=12).changed
        assert (changed["n1"].epoch, changed["n1"].generation) == (12, 8)

    def test_a_document_made_again_continues_from_what_the_node_remembers(self) -> None:
        remembered = started("web.1").model_copy(update={"epoch": 3, "generation": 7})
        node = a_node(1, a_container("web.1"), read=remembered)
        assert follows(a_project(), [node]).changed["n1"].generation == 8

    def test_a_spec_is_stored_once_and_leaves_with_its_last_slot(self) -> None:
        web = a_service("web", scale=2)
        (document,) = follows(a_project(web), [a_node()]).changed.values()
        assert list(document.specs.values()) == [web.template.spec]
        held = a_document(1, an_entry("web.1"), an_entry("web.2"))
        node = a_node(1, a_container("web.1"), a_container("web.2"), read=held)
        (emptied,) = follows(a_project(a_service(scale=0)), [node], [held]).changed.values()
        assert emptied.specs == {}

    def test_a_redeploy_is_a_change(self) -> None:
        held = started("web.1")
        node = a_node(1, a_container("web.1"), read=held)
        changed = follows(a_project(a_service(refresh=1)), [node], [held]).changed
        assert changed["n1"].slots[0].refresh == 1

    @pytest.mark.parametrize(
        ("pull", "refresh", "expected"),
        [
            (PullPolicy.MISSING, 0, PullPolicy.MISSING),
            (PullPolicy.MISSING, 1, PullPolicy.NEWER),
            (PullPolicy.ALWAYS, 0, PullPolicy.ALWAYS),
            (PullPolicy.ALWAYS, 1, PullPolicy.ALWAYS),
            (PullPolicy.NEVER, 1, PullPolicy.NEVER),
        ],
    )
    def test_a_redeploy_asks_for_newer_images_unless_the_service_says_how(
        self, pull: PullPolicy, refresh: int, expected: PullPolicy
    ) -> None:
        project = a_project(a_service(pull=pull, refresh=refresh))
        assert follows(project, [a_node()]).changed["n1"].slots[0].pull is expected

    def test_a_global_service_has_a_slot_on_every_node_by_its_index(self) -> None:
        nodes = [a_node(1), a_node(2), a_node(4)]
        changed = follows(a_project(a_service("log", is_global=True)), nodes).changed
        assert {name: entries(each) for name, each in changed.items()} == {
            "n1": {"log.1": "running"},
            "n2": {"log.2": "running"},
            "n4": {"log.4": "running"},
        }

    def test_a_slot_on_a_node_that_is_not_known_is_written_nowhere(self) -> None:
        assert follows(a_project(a_service()), []).changed == {}
