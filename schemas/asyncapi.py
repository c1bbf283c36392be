"""`document`: the bus contract as AsyncAPI 3.0, made from the subjects and the models.

Told from the coordinator's side: it receives commands and sends desired documents.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic.json_schema import models_json_schema

from schemas import subjects
from schemas.audit import AuditEntry
from schemas.command import COMMANDS
from schemas.current import Heartbeat, NodeCurrent
from schemas.desired import NodeDesired
from schemas.document import Document
from schemas.documents import DOCUMENTS
from schemas.event import Event
from schemas.lease import LeaseHolder
from schemas.node_requests import SignalReply, SignalRequest
from schemas.openapi import API_VERSION
from schemas.query import QUERIES
from schemas.records import NodeRecord, ProjectRecord, VolumeRecord
from schemas.reply import Reply
from schemas.revision import RevisionRecord
from schemas.routing import ProjectRoutes, RouterCurrent


@dataclass(frozen=True, slots=True)
class Channel:
    """A subject, and the one document that travels on it."""

    name: str
    address: str
    model: type[Document]
    #: what the coordinator does with it
    action: Literal["send", "receive"]
    about: str


_PARAMETERS = {
    "node": "A node's name; `_coordinator` for events that no node tells.",
    "project": "A project's name.",
    "number": "A revision's number.",
    "volume": "A shared volume's name.",
    "router": "A router's name, one for each process.",
    "kind": "The event's kind.",
    "noun": "What the command is about.",
    "verb": "What it asks for.",
}

#: what travels one way
CHANNELS: tuple[Channel, ...] = (
    Channel(
        "desired", subjects.kv_key(subjects.DESIRED_BUCKET, "{node}"), NodeDesired, "send",
        "What one node must run. Key-value: the newest one counts.",
    ),
    Channel(
        "status", subjects.kv_key(subjects.STATUS_BUCKET, "{node}"), NodeCurrent, "receive",
        "What one node runs. Key-value: the newest one counts.",
    ),
    Channel(
        "heartbeat", subjects.heartbeat("{node}"), Heartbeat, "receive",
        "Proof of a node's life, every two seconds.",
    ),
    Channel(
        "event", subjects.event("{node}", "{kind}"), Event, "receive",
        "What happened on a node or in the coordinator. Kept for days, replayable.",
    ),
    Channel(
        "audit", subjects.audit("{noun}", "{verb}"), AuditEntry, "send",
        "Every command and its fate.",
    ),
    Channel(
        "project", subjects.kv_key(subjects.PROJECTS_BUCKET, "{project}"), ProjectRecord, "send",
        "What was asked of a project. Written by the coordinator only, by compare-and-set.",
    ),
    Channel(
        "revision", subjects.kv_key(subjects.REVISIONS_BUCKET, "{project}.{number}"),
        RevisionRecord, "send",
        "What a project was asked to be once. Written by the coordinator only, and never changed.",
    ),
    Channel(
        "volume", subjects.kv_key(subjects.VOLUMES_BUCKET, "{volume}"), VolumeRecord, "send",
        "A shared volume. Written by the coordinator only.",
    ),
    Channel(
        "node", subjects.kv_key(subjects.NODES_BUCKET, "{node}"), NodeRecord, "send",
        "What the cluster decided about a node. Written by the coordinator only.",
    ),
    Channel(
        "lease", subjects.kv_key(subjects.LEASE_BUCKET, subjects.LEASE_KEY), LeaseHolder, "send",
        "Which coordinator is active. Key-value, and gone when it is not renewed.",
    ),
    Channel(
        "routes", subjects.kv_key(subjects.ROUTES_BUCKET, "{project}"), ProjectRoutes, "send",
        "Which domains lead to which containers of a project. Key-value: the newest one counts.",
    ),
    Channel(
        "routers", subjects.kv_key(subjects.ROUTERS_BUCKET, "{router}"), RouterCurrent, "receive",
        "What one router has applied, every five seconds. Key-value, gone when it is not renewed.",
    ),
)  # fmt: skip


def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    requests = {**COMMANDS, **QUERIES}
    channels: dict[str, Any] = {each.name: _channel(each) for each in CHANNELS}
    operations: dict[str, Any] = {each.name: _operation(each) for each in CHANNELS}
    for (noun, verb), model in requests.items():
        channels[f"{noun}.{verb}"] = {
            "address": subjects.command(noun, verb),
            "description": _first_paragraph(model),
            "messages": {"request": _message(model)},
        }
        operations[f"{noun}.{verb}"] = _request_operation(f"{noun}.{verb}", "receive", "reply")
    # Where a reply goes is the requester's choice, so its address is unknown.
    channels["reply"] = {"address": None, "messages": {"reply": _message(Reply)}}
    channels["node.signal"] = {
        "address": subjects.node_request("{node}", "signal"),
        "description": _first_paragraph(SignalRequest),
        "parameters": {"node": {"description": _PARAMETERS["node"]}},
        "messages": {"request": _message(SignalRequest)},
    }
    channels["node.reply"] = {"address": None, "messages": {"reply": _message(SignalReply)}}
    operations["node.signal"] = _request_operation("node.signal", "send", "node.reply")
    _, schemas = models_json_schema(
        [(model, "validation") for model in DOCUMENTS],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Troopers on NATS",
            "version": API_VERSION,
            "description": (
                "Commands are requests; their endpoints are listed by NATS micro discovery as "
                f"the service `{subjects.SERVICE_NAME}`. A reader ignores fields it doesn't know."
            ),
        },
        "servers": {"nats": {"host": "127.0.0.1:4222", "protocol": "nats"}},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {model.__name__: _component(model) for model in DOCUMENTS},
            "schemas": schemas["$defs"],
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    named = {name: about for name, about in _PARAMETERS.items() if f"{{{name}}}" in channel.address}
    return {
        "address": channel.address,
        "description": channel.about,
        "parameters": {name: {"description": about} for name, about in named.items()},
        "messages": {channel.name: _message(channel.model)},
    }


def _operation(channel: Channel) -> dict[str, Any]:
    return {
        "action": channel.action,
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{channel.name}"}],
    }


def _request_operation(name: str, action: Literal["send", "receive"], reply: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/request"}],
        "reply": {
            "address": {"location": "$message.header#/reply-to"},
            "channel": {"$ref": f"#/channels/{reply}"},
            "messages": [{"$ref": f"#/channels/{reply}/messages/reply"}],
        },
    }


def _message(model: type[Document]) -> dict[str, Any]:
    return {"$ref": f"#/components/messages/{model.__name__}"}


def _component(model: type[Document]) -> dict[str, Any]:
    return {
        "name": model.__name__,
        "summary": _first_paragraph(model),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _first_paragraph(model: type[Document]) -> str:
    return " ".join((model.__doc__ or "").strip().split("\n\n")[0].split())
