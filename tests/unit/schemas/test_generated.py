import importlib
import json
import pkgutil
from pathlib import Path

import jsonschema
import pytest
from openapi_spec_validator import validate

import schemas
from schemas import asyncapi, openapi, subjects
from schemas.command import COMMANDS
from schemas.document import Document, Record
from schemas.documents import DOCUMENTS, schema_file
from schemas.generate import contract, main, outdated, write
from schemas.mounting import MountOrders, MountReport
from schemas.query import QUERIES
from schemas.records import RememberedReply
from tests.architecture.sources import INSTALLED

FOLDER = Path(schemas.__file__).parent


def test_what_is_generated_is_fresh():
    assert outdated(FOLDER) == {}, "run `python -m schemas.generate`"
    assert main(["--check"]) == 0


def test_generating_writes_what_differs_and_removes_what_must_go(tmp_path):
    stray = tmp_path / "json" / "Old.schema.json"
    stray.parent.mkdir()
    stray.write_text("{}")
    changes = outdated(tmp_path)
    assert changes[f"json/{stray.name}"] is None
    assert changes.keys() == contract().keys() | {f"json/{stray.name}"}
    write(tmp_path, changes)
    assert outdated(tmp_path) == {}


def ours(model):
    return model.__module__.partition(".")[0] in INSTALLED


def leaves(model):
    # What records keep of a reply is a part of theirs; what a test makes up is nobody's.
    kinds = [each for each in model.__subclasses__() if each is not RememberedReply and ours(each)]
    below = [leaf for each in kinds for leaf in leaves(each)]
    return below or [model]


def test_every_document_of_the_bus_has_a_schema():
    # A class is known as a subclass only once its module is imported.
    for package in INSTALLED:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    wire = set(leaves(Document))
    # Spoken on a node, over a unix socket.
    local = {MountOrders, MountReport}
    assert wire - local - {Record} == set(DOCUMENTS)


@pytest.mark.parametrize("model", DOCUMENTS)
def test_every_schema_is_one(model):
    schema = json.loads(contract()[f"json/{schema_file(model)}"])
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == schema_file(model)


def test_the_openapi_document_is_valid():
    validate(openapi.document())


def resolve(document, ref):
    here = document
    for key in ref.removeprefix("#/").split("/"):
        here = here[key]
    return here


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def test_the_asyncapi_document_refers_only_to_what_it_has():
    document = asyncapi.document()
    assert document["asyncapi"] == "3.0.0"
    for ref in set(references(document)):
        resolve(document, ref)


def test_every_operations_messages_are_its_channels():
    document = asyncapi.document()
    for operation in document["operations"].values():
        channel = resolve(document, operation["channel"]["$ref"])
        own = {f"{operation['channel']['$ref']}/messages/{name}" for name in channel["messages"]}
        assert {message["$ref"] for message in operation["messages"]} == own


def test_every_command_is_a_channel_with_a_reply():
    document = asyncapi.document()
    for noun, verb in COMMANDS | QUERIES:
        channel = document["channels"][f"{noun}.{verb}"]
        assert channel["address"] == subjects.command(noun, verb)
        assert document["operations"][f"{noun}.{verb}"]["reply"]


def test_every_variable_of_an_address_is_described():
    for channel in asyncapi.document()["channels"].values():
        for name in channel.get("parameters", {}):
            assert f"{{{name}}}" in channel["address"]
        assert (channel["address"] or "").count("{") == len(channel.get("parameters", {}))
