"""What is read again is held once where a record has it."""

import gc
import weakref

from coordinator.store.shared_parts import SharedParts
from schemas.codec import decode, encode
from schemas.desired import DesiredNetwork, NodeDesired
from schemas.fingerprint import spec_key
from schemas.service import ServiceSpec
from tests.builders import a_document, a_project, a_service

NETWORK = DesiredNetwork(project="shop", name="shop_default")
PROJECT = a_project(a_service("web"), networks=(NETWORK,))
SPEC = PROJECT.services["web"].template.spec


def a_copy(
    spec: ServiceSpec = SPEC, key: str = "", network: DesiredNetwork = NETWORK
) -> NodeDesired:
    """A document as it is read: with parts of its own."""
    document = a_document(1).model_copy(
        update={"specs": {key or spec_key(spec): spec}, "networks": (network,)}
    )
    return decode(NodeDesired, encode(document))


def test_a_document_that_is_read_has_the_parts_of_its_records() -> None:
    parts = SharedParts()
    parts.hear("shop", None, PROJECT)
    read = a_copy()
    shared = parts.share(read)
    assert shared == read
    assert shared.specs[spec_key(SPEC)] is SPEC
    assert shared.networks[0] is NETWORK


def test_documents_share_parts_that_no_record_has() -> None:
    parts = SharedParts()
    one, other = parts.share(a_copy()), parts.share(a_copy())
    assert one.specs[spec_key(SPEC)] is other.specs[spec_key(SPEC)]
    assert one.networks[0] is other.networks[0]


def test_a_part_that_only_has_the_name_of_another_one_stays_what_it_is() -> None:
    parts = SharedParts()
    parts.hear("shop", None, PROJECT)
    read = a_copy(
        ServiceSpec(image="another:1"),
        spec_key(SPEC),
        NETWORK.model_copy(update={"internal": True}),
    )
    shared = parts.share(read)
    assert shared == read
    assert shared.specs[spec_key(SPEC)].image == "another:1"
    assert shared.networks[0].internal


def test_parts_that_nobody_holds_any_more_are_forgotten() -> None:
    parts = SharedParts()
    document = parts.share(a_copy())
    gone = weakref.ref(document.specs[spec_key(SPEC)])
    del document
    gc.collect()
    assert gone() is None
