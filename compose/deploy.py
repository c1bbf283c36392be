"""`deploy`: how many containers, where, with what, and what happens when one ends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from compose.device_keys import reserved
from compose.errors import TemplateError, below, shown
from compose.nested_keys import LIMIT_KEYS, RESERVATION_KEYS, RESOURCE_KEYS, allowed
from compose.notes import Notes
from compose.placement import PolicyReader
from compose.resources import Resources, read_cpus, read_size
from compose.section_keys import (
    DEPLOY_KEYS,
    PLACEMENT_KEYS,
    RESTART_POLICY_KEYS,
    understood_section,
)
from compose.tree import INT_MAX, Tree, integer, mapping, number, text, texts
from compose.updates import Given, given_policy
from schemas.command import SCALE_MAX
from schemas.service import DeviceRequest, Restart

_INT32_MAX = 2**31 - 1
#: What Swarm mode calls a node's properties, and what a scheduling expression calls them.
_NODE_WORDS = {"node.hostname": "node", "node.id": "node"}
_LABELS = ("node.labels.", "engine.labels.")
#: Here no node is a manager of others, so all are what is asked for.
_EVERY_NODE = re.compile(
    r"\s*(node\.role\s*==\s*(manager|worker)|node\.platform\.os\s*==\s*linux)\s*"
)


@dataclass(frozen=True, slots=True)
class Deploy:
    """What `deploy` says. None: it says nothing."""

    replicas: int | None = None
    is_global: bool | None = None
    limits: Resources = field(default_factory=Resources)
    pids_limit: int | None = None
    device_requests: tuple[DeviceRequest, ...] = ()
    restart: Restart | None = None
    update: Given | None = None
    rollback: Given | None = None


def deploy(value: Tree, where: str, policy: PolicyReader, notes: Notes) -> Deploy:
    """Read the section; constraints go to `policy`.

    Raises:
        TemplateError: it contradicts itself, or asks for what nobody acts on.
    """
    found = understood_section(value, where, DEPLOY_KEYS, notes)
    mode = text(found.get("mode", ""), below(where, "mode"))
    if mode not in {"global", "replicated", ""}:
        raise TemplateError(
            f"must be replicated or global, not {shown(mode)}", where=below(where, "mode")
        )
    replicas: int | None = None
    if "replicas" in found:
        at = below(where, "replicas")
        replicas = integer(found["replicas"], at, maximum=SCALE_MAX)
        if mode == "global":
            raise TemplateError("a global service has one container on every node", where=at)
    _read_placement(found.get("placement", {}), below(where, "placement"), policy, notes)
    resources_at = below(where, "resources")
    resources = allowed(found.get("resources", {}), resources_at, RESOURCE_KEYS)
    limits_at, reservations_at = below(resources_at, "limits"), below(resources_at, "reservations")
    limits = allowed(resources.get("limits", {}), limits_at, LIMIT_KEYS)
    reservations = _reservations(resources.get("reservations", {}), reservations_at, notes)
    return Deploy(
        replicas,
        mode == "global" if mode else None,
        Resources(
            mem_limit_bytes=read_size(limits, "memory", limits_at),
            mem_reservation_bytes=read_size(reservations, "memory", reservations_at),
            cpus=read_cpus(limits, limits_at),
        ),
        integer(limits["pids"], below(limits_at, "pids"), minimum=-1, maximum=INT_MAX) or None
        if "pids" in limits
        else None,
        reserved(reservations.get("devices", []), below(reservations_at, "devices")),
        _restart(found.get("restart_policy"), below(where, "restart_policy"), notes),
        # An empty section is there all the same, and means its defaults.
        given_policy("update_config", mapping(value, where), where, notes),
        given_policy("rollback_config", mapping(value, where), where, notes),
    )


def _reservations(value: Tree, where: str, notes: Notes) -> dict[str, Tree]:
    found = allowed(value, where, RESERVATION_KEYS)
    if number(found.get("cpus", 0), below(where, "cpus")):
        notes.warn(RESERVATION_KEYS["cpus"].advice, where=below(where, "cpus"))
    return found


def _restart(value: Tree, where: str, notes: Notes) -> Restart | None:
    if value is None:
        return None
    found = understood_section(value, where, RESTART_POLICY_KEYS, notes)
    condition = text(found.get("condition", "any"), below(where, "condition"))
    at = below(where, "max_attempts")
    attempts = integer(found.get("max_attempts", 0), at, maximum=_INT32_MAX) or None
    match condition:
        case "none":
            return Restart(policy="no")
        case "on-failure":
            return Restart(policy="on-failure", max_retries=attempts)
        case "any" | "always":
            if attempts is not None:
                notes.warn("only counts with condition: on-failure", where=at)
            return Restart(policy="always")
        case "unless-stopped":
            return Restart(policy="unless-stopped")
    raise TemplateError(
        f"must be none, on-failure or any, not {shown(condition)}", where=below(where, "condition")
    )


def _read_placement(value: Tree, where: str, policy: PolicyReader, notes: Notes) -> None:
    found: Mapping[str, Tree] = understood_section(value, where, PLACEMENT_KEYS, notes)
    at = below(where, "constraints")
    for index, written in enumerate(texts(found.get("constraints", []), at)):
        if _EVERY_NODE.fullmatch(written):
            notes.warn("no effect: every node is that", where=below(at, index))
            continue
        policy.read(_expression(written, below(at, index)), below(at, index))


def _expression(written: str, where: str) -> str:
    """A constraint of Swarm mode as a scheduling expression."""
    operator = "!=" if "!=" in written else "=="
    key, found, value = (part.strip() for part in written.partition(operator))
    if not found:
        raise TemplateError(f"{shown(written)} has neither == nor !=", where=where)
    for prefix in _LABELS:
        if key.startswith(prefix):
            return f"constraint:{key.removeprefix(prefix)}{operator}{value}"
    if key not in _NODE_WORDS:
        known = "node.hostname, node.id, node.labels.NAME or engine.labels.NAME"
        raise TemplateError(f"{shown(key)} is not supported: use {known}", where=where)
    return f"constraint:{_NODE_WORDS[key]}{operator}{value}"
