"""A fingerprint is of a part's content, however it is remembered."""

import gc

from schemas import fingerprint as fingerprint_module
from schemas.fingerprint import fingerprint, spec_key
from schemas.service import ServiceSpec
from tests.builders import ONCE


def test_specs_of_one_content_have_one_fingerprint_and_each_content_has_another() -> None:
    assert fingerprint(ServiceSpec(image="web:1")) == fingerprint(ServiceSpec(image="web:1"))
    # One after the other, so that the second may be where the first one was.
    found = {fingerprint(ServiceSpec(image=f"web:{number}")) for number in range(100)}
    assert len(found) == 100


def test_the_fingerprint_of_a_spec_is_not_taken_for_its_key() -> None:
    spec = ServiceSpec(image="web:1", restart=ONCE)
    assert fingerprint(spec) == fingerprint(ServiceSpec(image="web:1"))
    assert spec_key(spec) != spec_key(ServiceSpec(image="web:1"))


def test_no_fingerprint_is_remembered_longer_than_its_spec() -> None:
    gc.collect()
    before = len(fingerprint_module._known)
    spec = ServiceSpec(image="web:1")
    fingerprint(spec)
    assert len(fingerprint_module._known) == before + 1
    del spec
    assert len(fingerprint_module._known) == before
