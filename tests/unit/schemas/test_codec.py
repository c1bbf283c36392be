"""What of a document becomes bytes; and of bytes that are none, what is said and what isn't."""

import gc
import json
import traceback

import pytest
from pydantic import BaseModel

from schemas.bodies import CreateVolumeBody
from schemas.codec import SchemaError, decode, encode, validate
from schemas.current import NodeCurrent
from schemas.desired import NodeDesired
from schemas.document import Document
from schemas.mounting import MountOrders
from schemas.records import ProjectRecord, VolumeRecord
from schemas.states import Wanted
from schemas.volume import VolumeSecret
from tests.builders import a_container, a_document, a_problem, a_project, a_status, an_entry, exited

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


@pytest.mark.parametrize(
    "document",
    [
        a_document(1, an_entry(), an_entry("db.1", Wanted.ABSENT, stop_timeout_s=0.0)),
        a_document(1, generation=0, epoch=0),
        a_status(1, a_container(), exited("db.1"), problems=(a_problem(),), settled=True),
        a_status(1, schema_version=7),
    ],
)
def test_a_brief_document_is_read_as_it_was_and_says_its_version(document: Document) -> None:
    payload = encode(document)
    assert decode(type(document), payload) == document
    assert json.loads(payload)["schema_version"] == document.schema_version


def test_a_nodes_documents_leave_out_what_has_its_default() -> None:
    entry = a_document(1, an_entry())
    plain = json.loads(encode(entry))
    assert "networks" not in plain
    assert plain["slots"][0].keys() == {"project", "service", "slot", "wanted", "spec", "version"}
    assert "containers" not in json.loads(encode(a_status(1)))


def test_a_record_says_all_that_it_has() -> None:
    assert json.loads(encode(a_project())).keys() == type(a_project()).model_fields.keys()


def test_a_part_keeps_its_fields_and_no_list_of_those_that_were_given() -> None:
    read = decode(NodeCurrent, encode(a_status(1, a_container())))
    made = read.model_copy(update={"sequence": 7})
    for part in (read, made, *read.containers):
        assert not any(isinstance(each, set) for each in gc.get_referents(part))
        assert part.model_fields_set == type(part).model_fields.keys()


def test_what_a_record_of_another_version_says_besides_survives_a_change() -> None:
    plain = {**json.loads(encode(a_project())), "owner": "somebody"}
    changed = decode(ProjectRecord, json.dumps(plain)).model_copy(update={"version": "2.0"})
    assert json.loads(encode(changed)) == plain | {"version": "2.0"}
