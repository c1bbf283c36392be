"""How a service's containers are replaced: `update_config`, `rollback_config`, and the label.

Reading a section gives the fields that it names; what is left open is decided in `policies`. Whether
old and new containers can be there at once is decided in `alone_because`, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from compose.errors import TemplateError, below, shown
from compose.notes import Notes
from compose.section_keys import POLICY_KEYS, understood_section
from compose.tree import Tree, integer, number, text
from compose.units import seconds
from schemas.command import SCALE_MAX
from schemas.service import ServiceSpec
from schemas.template import UpdatePolicy

Section = Literal["update_config", "rollback_config"]

_ORDERS = ("stop-first", "start-first")
#: a rollback that fails can't be rolled back
_ACTIONS: Mapping[Section, tuple[str, ...]] = {
    "update_config": ("pause", "continue", "rollback"),
    "rollback_config": ("pause", "continue"),
}

#: fields of an `UpdatePolicy`, those that a section names
Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Policies:
    """How containers go to what is next, and how they go back."""

    update: UpdatePolicy
    rollback: UpdatePolicy


def given_policy(
    section: Section, deploy: Mapping[str, Tree], where: str, notes: Notes
) -> Given | None:
    """What a section of `deploy` names; None: it isn't there.

    Raises:
        TemplateError: a key or a value that Compose doesn't have.
    """
    if deploy.get(section) is None:
        return None
    where = below(where, section)
    found = understood_section(deploy[section], where, POLICY_KEYS, notes)
    given: dict[str, Any] = {}
    if "parallelism" in found:
        given["parallelism"] = _parallelism(found["parallelism"], below(where, "parallelism"))
    if "delay" in found:
        given["delay_s"] = seconds(found["delay"], below(where, "delay"))
    # Zero is Swarm's word for its default.
    if "monitor" in found and (monitor_s := seconds(found["monitor"], below(where, "monitor"))):
        given["monitor_s"] = monitor_s
    if "max_failure_ratio" in found:
        at = below(where, "max_failure_ratio")
        given["max_failure_ratio"] = _ratio(found["max_failure_ratio"], at)
    if "order" in found:
        given["order"] = _word(found["order"], below(where, "order"), _ORDERS)
    if "failure_action" in found:
        at = below(where, "failure_action")
        given["failure_action"] = _word(found["failure_action"], at, _ACTIONS[section])
    return given


def policies(update: Given | None, rollback: Given | None, rolling: int | None) -> Policies:
    """Both policies. `rolling`: what the label `aliyun.rolling_updates` says; None: nothing.

    Of both, the section counts where it names a key; with neither, all containers are replaced at
    once. A rollback without a section of its own goes as the update does.
    """
    by_default: dict[str, Any] = {} if rolling is None else {"parallelism": rolling}
    if update is not None:
        by_default.setdefault("parallelism", 1)
    forward = UpdatePolicy(**{**by_default, **(update or {})})
    if rollback is not None:
        return Policies(forward, UpdatePolicy(**{"parallelism": 1, **rollback}))
    back = UpdatePolicy(
        parallelism=forward.parallelism,
        delay_s=forward.delay_s,
        monitor_s=forward.monitor_s,
        order=forward.order,
    )
    return Policies(forward, back)


def alone_because(spec: ServiceSpec, *, scale: int, is_global: bool) -> str:
    """Why no old and new container of a service can be there at once; empty: they can.

    A new container starts on the node of the one that it replaces. Several containers of one
    service may use a volume together already; one that has been alone with it may rely on that.
    """
    if is_global:
        return "a global service has one container on every node"
    port = next((each for each in spec.ports if each.host_port is not None), None)
    if port is not None:
        return f"two containers can't share the host port {port.host_port}"
    addresses = (one.ipv4_address or one.ipv6_address for one in spec.networks)
    address = next(filter(None, addresses), "")
    if address:
        return f"two containers can't share the address {address}"
    own = (each for each in spec.volumes if each.type == "volume" and each.source)
    volume = next((each for each in own if not each.read_only), None)
    if volume is not None and scale == 1:
        return f"two containers would write to the volume {volume.source}"
    return ""


def one_by_one(found: Policies) -> Policies:
    """The same without old and new containers side by side."""
    in_turn = {"order": "stop-first"}
    return Policies(
        found.update.model_copy(update=in_turn), found.rollback.model_copy(update=in_turn)
    )


def _parallelism(value: Tree, where: str) -> int:
    try:
        return integer(value, where, maximum=SCALE_MAX)
    except TemplateError as error:
        raise TemplateError(
            f"must be the number of containers of one batch, from 1 to {SCALE_MAX}, or 0 for all "
            f"of them at once, not {shown(value)}",
            where=where,
        ) from error


def _ratio(value: Tree, where: str) -> float:
    try:
        ratio = number(value, where)
    except TemplateError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise TemplateError(
            f"must be the part that may fail, from 0 to 1, such as 0.25 for a quarter, not "
            f"{shown(value)}",
            where=where,
        )
    return ratio


def _word(value: Tree, where: str, words: tuple[str, ...]) -> str:
    word = text(value, where)
    if word in words:
        return word
    known = f"{', '.join(words[:-1])} or {words[-1]}"
    if word == "rollback":
        raise TemplateError(f"a rollback can't be rolled back: write {known}", where=where)
    raise TemplateError(f"must be {known}, not {shown(word)}", where=where)
