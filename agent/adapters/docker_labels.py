"""The labels that make a container, network or volume ours, and say what it is.

They carry enough to rebuild a lost bus from the nodes. Compose's labels stand beside them, so that
other tools group containers as their users expect.
"""

import json
from collections.abc import Mapping

from agent.ports import ContainerLabels
from schemas.names import SlotKey
from schemas.service import NetworkAttachment, ServiceSpec

PROJECT = "troopers.project"
SERVICE = "troopers.service"
SLOT = "troopers.slot"
#: of a set that is not the first one
SET = "troopers.set"
VERSION = "troopers.version"
REFRESH = "troopers.refresh"
GENERATION = "troopers.generation"
EPOCH = "troopers.epoch"
FINGERPRINT = "troopers.fingerprint"
#: the engine's filter for what is ours
OURS = {"label": PROJECT}
#: the networks that creation alone can't join, as JSON: a list of attachments
LATER_NETWORKS = "troopers.networks"
#: the shared volumes as they were mounted when it was created: nas/photos=INCARNATION,...
MOUNTS = "troopers.mounts"


def container_labels(spec: ServiceSpec, labels: ContainerLabels) -> dict[str, str]:
    """All labels of a container. A user's label never replaces one of ours."""
    key = labels.key
    ours = {
        PROJECT: key.project,
        SERVICE: key.service,
        SLOT: str(key.slot),
        VERSION: labels.version,
        REFRESH: str(labels.refresh),
        GENERATION: str(labels.generation),
        EPOCH: str(labels.epoch),
        FINGERPRINT: labels.fingerprint,
        "com.docker.compose.project": key.project,
        "com.docker.compose.service": key.service,
        "com.docker.compose.container-number": str(key.slot),
    }
    if key.set_name:
        ours[SET] = key.set_name
    if labels.mounts:
        ours[MOUNTS] = mounts_text(labels)
    if later := later_networks(spec):
        ours[LATER_NETWORKS] = json.dumps([a.model_dump(exclude_defaults=True) for a in later])
    theirs = {name: text for name, text in spec.labels.items() if not name.startswith("troopers.")}
    return theirs | ours


def project_labels(
    project: str, labels: Mapping[str, str], fingerprint: str = ""
) -> dict[str, str]:
    """All labels of a project's network or volume; without a fingerprint, of one that is whatever.

    A template can't have labels that are ours; the filter here is a second lock.
    """
    theirs = {name: text for name, text in labels.items() if not name.startswith("troopers.")}
    ours = {PROJECT: project, "com.docker.compose.project": project}
    return theirs | ours | ({FINGERPRINT: fingerprint} if fingerprint else {})


def later_networks(spec: ServiceSpec) -> tuple[NetworkAttachment, ...]:
    """The networks to connect after creation: engines before API 1.44 take one at creation."""
    return () if spec.network_mode else spec.networks[1:]


def missing_networks(
    labels: Mapping[str, str], joined: frozenset[str]
) -> tuple[NetworkAttachment, ...]:
    """The networks that a container should be in and is not.

    An agent that was killed between create and connect leaves such a container; started as it is,
    it would run without them for ever.
    """
    wanted = json.loads(labels.get(LATER_NETWORKS, "[]"))
    attachments = (NetworkAttachment.model_validate(one) for one in wanted)
    return tuple(one for one in attachments if one.name not in joined)


def mounts_text(labels: ContainerLabels) -> str:
    """The label MOUNTS; empty without shared volumes."""
    return ",".join(f"{path}={incarnation}" for path, incarnation in labels.mounts)


def mounts(labels: Mapping[str, str]) -> dict[str, str]:
    """Mount path to incarnation, as the label says."""
    pairs = (one.partition("=") for one in labels.get(MOUNTS, "").split(",") if one)
    return {path: incarnation for path, _, incarnation in pairs}


def slot_key(labels: Mapping[str, str]) -> SlotKey | None:
    """Which slot the labels name; None when they name none."""
    slot = number(labels.get(SLOT, ""))
    project, service = labels.get(PROJECT, ""), labels.get(SERVICE, "")
    if not (project and service and slot):
        return None
    return SlotKey(project, service, slot, labels.get(SET, ""))


def number(text: str) -> int:
    """A label's number. Labels are anybody's to write, so what is none counts as 0."""
    return int(text) if text.isascii() and text.isdigit() else 0
