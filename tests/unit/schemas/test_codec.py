"""Bytes that are no document: what is said of them, and what isn't."""

import json
import traceback

import pytest
from pydantic import BaseModel

from schemas.bodies import CreateVolumeBody
from schemas.codec import SchemaError, decode, validate
from schemas.desired import NodeDesired
from schemas.mounting import MountOrders
from schemas.records import VolumeRecord
from schemas.volume import VolumeSecret

SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY" + "y" * 250
VOLUME = {"name": "p", "driver": "ossfs", "ossfs": {"bucket": "b-1", "url": "http://oss"}}
HALF = {"volume": VOLUME, "secret": {"ak_secret": SECRET}}


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        (VolumeSecret, {"ak_id": "i", "ak_secret": SECRET}),
        (NodeDesired, {"node": "n1", "epoch": 1, "generation": 1, "mounts": [HALF]}),
        (MountOrders, {"mounts": [HALF]}),
        (VolumeRecord, {"name": "p", "created": "", "updated": "", **HALF}),
        (CreateVolumeBody, {"name": "p", "driver": "ossfs", "driverOpts": {"x": [SECRET]}}),
    ],
)
def test_what_is_logged_of_a_bad_document_has_no_part_of_a_secret(
    model: type[BaseModel], plain: object
) -> None:
    for read in (lambda: validate(model, plain), lambda: decode(model, json.dumps(plain))):
        with pytest.raises(SchemaError) as refusal:
            read()
        # As a log shows it, with every cause.
        shown = "".join(traceback.format_exception(refusal.value))
        parts = {SECRET[start : start + 8] for start in range(len(SECRET) - 8)}
        assert [part for part in parts if part in shown] == []


def test_an_option_is_named_as_it_was_sent_and_null_is_its_default() -> None:
    body = {"name": "p", "driver": "nas", "driverOpts": {"host": ["h"]}}
    with pytest.raises(SchemaError) as refusal:
        validate(CreateVolumeBody, body)
    assert refusal.value.where == "driverOpts.host"
    body["driverOpts"] = {"host": "h", "path": None}
    assert validate(CreateVolumeBody, body).driver_opts == {"host": "h"}
