"""`planned_changes`: what a create or update would do, container by container. Pure.

What is there is what the project's record wants and a document or a container has; what will be is
how a rehearsal ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.placement.occupancy import NodeView
from coordinator.placement.rehearsal import Cluster, Rehearsed, rehearse
from coordinator.releases.differences import harmless, recreating
from coordinator.releases.groups import SlotGroup, slot_groups
from coordinator.releases.start_order import in_start_order
from schemas.fingerprint import fingerprint
from schemas.names import ServiceKey, SlotKey
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind, ServiceRecord
from schemas.release_views import Plan, PlannedChange
from schemas.states import NodeState, State

PULLED_AGAIN = "its image is pulled again; kept where it is the same"


def planned_changes(cluster: Cluster, before: ProjectRecord | None, record: ProjectRecord) -> Plan:
    """The plan of a command that would make `record`, which may have a release, of `before`."""
    end = rehearse(cluster, before, record)
    look = _Look(end, before, _version_beside(record))
    after = _Groups(end.record)
    was = _Groups(before)
    there = {slot: group for slot in end.homes if (group := was.of(slot)) is not None}
    wanted = {
        slot: group
        for slot in end.assigned.keys() | end.unplaced.keys()
        if (group := after.of(slot)) is not None
    }
    changes = {slot: look.at(slot, there.get(slot), group) for slot, group in wanted.items()}
    changes |= {
        slot: look.leaving(slot, group) for slot, group in there.items() if slot not in wanted
    }
    order = _start_order(before, end.record)
    return Plan(
        version=end.record.version,
        changes=tuple(
            changes[slot] for slot in sorted(changes, key=lambda slot: _place(slot, order))
        ),
        warnings=end.record.warnings,
    )


class _Groups:
    """The slots that a record wants."""

    def __init__(self, record: ProjectRecord | None) -> None:
        self._groups: dict[ServiceKey, list[SlotGroup]] = {}
        for group in slot_groups(record) if record else ():
            self._groups.setdefault(group.key, []).append(group)

    def of(self, slot: SlotKey) -> SlotGroup | None:
        groups = self._groups.get(slot.service_key, ())
        return next((group for group in groups if group.has(slot.slot)), None)


@dataclass(frozen=True, slots=True)
class _Look:
    """What is needed to say of one slot what becomes of it."""

    end: Rehearsed
    before: ProjectRecord | None
    #: of a blue-green update: the version that has to be confirmed
    beside: str

    def at(self, slot: SlotKey, there: SlotGroup | None, group: SlotGroup) -> PlannedChange:
        """Of a slot that is wanted."""
        node, home = self.end.assigned.get(slot, ""), self.end.homes.get(slot, "")
        if slot in self.end.unplaced:
            return _change(slot, "wait", self.end.unplaced[slot], node)
        if there is None:
            return _change(slot, "create", self._why_new(slot, group), node)
        why = _why_other(there, group)
        if home != node:
            reasons = [_why_moved(home, self.end.views.get(home), group), *([why] if why else [])]
            return _change(slot, "move", ", ".join(reasons), node, home)
        if why:
            return _change(slot, "replace", why, node)
        return _change(slot, "keep", _why_kept(there, group), node)

    def leaving(self, slot: SlotKey, there: SlotGroup) -> PlannedChange:
        """Of one that is there, and not wanted any more."""
        reason = self._why_gone(slot, there)
        if self.beside:
            reason += f", when version {self.beside} is confirmed"
        return _change(slot, "remove", reason, self.end.homes[slot])

    def _why_new(self, slot: SlotKey, group: SlotGroup) -> str:
        held = self._held(slot)
        if held is None:
            return "new service"
        if group.record.template.is_global:
            is_others = held.set_name == slot.set_name or not held.template.is_global
            return "one on every node" if is_others else self._why_beside(slot, held, group)
        if held.template.is_global:
            return "not on every node any more"
        if slot.slot > held.scale:
            return _scaled(held, group.record)
        if held.set_name != slot.set_name:
            return self._why_beside(slot, held, group)
        return "wanted already, and has had no node so far"

    def _why_beside(self, slot: SlotKey, held: ServiceRecord, group: SlotGroup) -> str:
        """Of one that takes over from a container of another name."""
        if self.beside:
            reasons = [f"blue-green: version {self.beside}, beside {slot_of(slot, held)}"]
        else:
            reasons = [f"takes over from {slot_of(slot, held)}"]
        specs = held.template.spec, group.record.template.spec
        reasons += recreating(*specs) or (
            [PULLED_AGAIN]
            if group.record.refresh != held.refresh
            else ["lives in another container"]
        )
        return ", ".join(reasons)

    def _why_gone(self, slot: SlotKey, there: SlotGroup) -> str:
        service = self.end.record.services.get(slot.service)
        if service is None:
            return "its service is gone"
        if there.record.template.is_global != service.template.is_global:
            return (
                "one on every node instead"
                if service.template.is_global
                else "not on every node any more"
            )
        if not service.template.is_global and slot.slot > service.scale:
            return _scaled(there.record, service)
        if slot.set_name != service.set_name:
            return f"{slot_of(slot, service)} takes over"
        return "not wanted any more"

    def _held(self, slot: SlotKey) -> ServiceRecord | None:
        return self.before.services.get(slot.service) if self.before else None


def slot_of(slot: SlotKey, service: ServiceRecord) -> SlotKey:
    """The slot of the same number, of the service's own set."""
    return slot._replace(set_name=service.set_name)


def _change(
    slot: SlotKey, action: str, reason: str, node: str, from_node: str = ""
) -> PlannedChange:
    return PlannedChange.model_validate(
        {
            "container": str(slot),
            "service": slot.service,
            "action": action,
            "reason": reason,
            "node": node,
            **({"from_node": from_node} if from_node else {}),
        }
    )


def _scaled(was: ServiceRecord, service: ServiceRecord) -> str:
    return f"scaled from {was.scale} to {service.scale}"


def _why_other(there: SlotGroup, group: SlotGroup) -> str:
    """Why the container is made anew under its name; empty: it isn't."""
    if fingerprint(there.spec) != fingerprint(group.spec):
        # Without the names of sets, which say nothing to those who wrote the template.
        plain = recreating(there.record.template.spec, group.record.template.spec)
        return ", ".join(plain or recreating(there.spec, group.spec))
    return PULLED_AGAIN if group.record.refresh != there.record.refresh else ""


def _why_kept(there: SlotGroup, group: SlotGroup) -> str:
    reasons = list(harmless(there.spec, group.spec))
    if there.record.desired_state is not State.RUNNING:
        reasons.append("started again")
    return ", ".join(reasons) or "unchanged"


def _why_moved(home: str, view: NodeView | None, group: SlotGroup) -> str:
    if view is None:
        return f"{home} is gone"
    if view.state is NodeState.DOWN:
        return f"{home} is down"
    if view.deserted_mounts & group.spec.shared_mounts:
        return f"a shared volume doesn't work on {home}"
    return f"not meant for {home}"


def _version_beside(record: ProjectRecord) -> str:
    release = record.release
    is_beside = release is not None and release.kind is ReleaseKind.BLUE_GREEN
    return release.target.version if release is not None and is_beside else ""


def _start_order(before: ProjectRecord | None, after: ProjectRecord) -> Mapping[str, int]:
    services = {**(before.services if before else {}), **after.services}
    return {name: place for place, name in enumerate(in_start_order(services))}


def _place(slot: SlotKey, order: Mapping[str, int]) -> tuple[int, int, int]:
    """Services as they start, then numbers; of one number, the older set first."""
    return order[slot.service], slot.slot, int(slot.set_name[1:] or 0)
