"""A record made again from the documents that were made from it. Pure.

What a document has is enough to keep everything running as it is: specs are stored whole, so
fingerprints stay the same and no container is made anew. What only the record had is gone, and told
as warnings: the template's text, placement rules, dependencies, environment, description.
"""

from collections.abc import Iterable, Mapping

from schemas.desired import DesiredMount, DesiredSlot, NodeDesired, PullPolicy
from schemas.names import ServiceKey
from schemas.records import ProjectRecord, VolumeRecord
from schemas.release import ServiceRecord
from schemas.states import State, Wanted
from schemas.template import ServiceTemplate

WARNINGS = (
    (
        "restored from the nodes' documents: the template's text, its environment, description, "
        "placement rules and dependencies are not known"
    ),
)
_UNSEEN = (
    "restored from an older copy: no node has orders for {}, stopped here; start what is wanted"
)
_RELEASED = (
    "restored while {} was released: its containers of the set {!r}, which were fewer, are removed"
)
#: of a record that stands for what is known, and was never written
UNKNOWN_TIME = ""


def restored_project(
    name: str,
    documents: Mapping[str, NodeDesired],
    now: str = UNKNOWN_TIME,
    old: ProjectRecord | None = None,
) -> ProjectRecord:
    """The record of a project as its documents, by node, show it; without any, an empty one.

    `old`: an older copy of its record. What documents say counts, the rest is as it was.
    """
    slots, others = _by_service(name, documents)
    services = {service: _service(service, found, now) for service, found in sorted(slots.items())}
    every = [slot for found in slots.values() for _, slot in found]
    runs = any(service.desired_state is State.RUNNING for service in services.values())
    unseen = _running(old.services.keys() - services.keys(), old) if old else ""
    if old is not None:
        services = {
            # What no document has any more was scaled to nothing, or stopped and removed since.
            **{service: _stopped(each) for service, each in old.services.items()},
            **{
                service: _merged(each, old.services.get(service))
                for service, each in services.items()
            },
        }
    found = ProjectRecord(
        name=name,
        version=max((slot.version for slot in every), default=old.version if old else ""),
        created=now,
        updated=now,
        desired_state=State.RUNNING if runs or not services else State.STOPPED,
        services=services,
        networks=tuple(
            {
                n.name: n for d in documents.values() for n in d.networks if n.project == name
            }.values()
        ),
        volumes=tuple(
            {
                v.name: v
                for d in documents.values()
                for v in d.volumes
                if v.project == name and v.wanted is not Wanted.ABSENT
            }.values()
        ),
        warnings=(*WARNINGS, *(_RELEASED.format(*each) for each in others)),
    )
    if old is None or old.is_gone:
        return found
    newer = {"version", "desired_state", "services", "networks", "volumes", "updated"}
    told = found.warnings[len(WARNINGS) :]
    warnings = (*old.warnings, *told, *((_UNSEEN.format(unseen),) if unseen else ()))
    kept = {key: getattr(found, key) for key in newer}
    # Documents don't say how far a release is: what most slots are of is current.
    return old.model_copy(update={**kept, "warnings": warnings, "release": None})


def _by_service(
    project: str, documents: Mapping[str, NodeDesired]
) -> tuple[dict[str, list[tuple[NodeDesired, DesiredSlot]]], list[tuple[str, str]]]:
    """Every service's slots, of the set that has most of them; and which sets are left out."""
    found: dict[ServiceKey, list[tuple[NodeDesired, DesiredSlot]]] = {}
    for _, document in sorted(documents.items()):
        for slot in document.slots:
            if slot.project == project and slot.wanted is not Wanted.ABSENT:
                found.setdefault(slot.key.service_key, []).append((document, slot))
    chosen: dict[str, ServiceKey] = {}
    for key in sorted(found, key=lambda each: (_running_slots(found[each]), each)):
        chosen[key.service] = key
    left_out = [(key.service, key.set_name) for key in sorted(found.keys() - {*chosen.values()})]
    return {service: found[key] for service, key in chosen.items()}, left_out


def _running_slots(slots: Iterable[tuple[NodeDesired, DesiredSlot]]) -> int:
    return sum(slot.wanted is Wanted.RUNNING for _, slot in slots)


def _running(names: Iterable[str], project: ProjectRecord) -> str:
    """Those of its services that are wanted running, in words."""
    services = project.services
    return ", ".join(n for n in sorted(names) if services[n].desired_state is State.RUNNING)


def _stopped(old: ServiceRecord) -> ServiceRecord:
    return old.model_copy(update={"desired_state": State.STOPPED})


def _merged(found: ServiceRecord, old: ServiceRecord | None) -> ServiceRecord:
    """What runs is what documents say; what only a record has is that of the older one."""
    if old is None:
        return found
    kept = old.template.model_copy(
        update={"spec": found.template.spec, "scale": found.template.scale}
    )
    newer = {"scale", "desired_state", "stop_signal", "stop_timeout_s", "refresh", "tries"}
    newer |= {"set_name", "network_set"}
    return old.model_copy(update={"template": kept, **{key: getattr(found, key) for key in newer}})


def _service(name: str, found: list[tuple[NodeDesired, DesiredSlot]], now: str) -> ServiceRecord:
    # Documents that were written one after another may differ; the newest spec is the last word.
    document, newest = max(found, key=lambda each: (each[1].refresh, each[1].tries))
    # One that waits for what it depends on is ordered stopped as well, but nobody said how.
    runs = any(
        slot.wanted is Wanted.RUNNING or (not slot.stop_signal and slot.stop_timeout_s is None)
        for _, slot in found
    )
    # What a redeploy asks for is no policy of the service.
    pull = PullPolicy.MISSING if newest.pull is PullPolicy.NEWER else newest.pull
    template = ServiceTemplate(
        name=name,
        spec=document.specs[newest.spec],
        pull=pull,
        scale=max(slot.slot for _, slot in found),
        is_global=newest.is_global,
    )
    return ServiceRecord(
        template=template,
        set_name=newest.set_name,
        scale=template.scale,
        desired_state=State.RUNNING if runs else State.STOPPED,
        stop_signal=newest.stop_signal,
        stop_timeout_s=newest.stop_timeout_s,
        refresh=max(slot.refresh for _, slot in found),
        tries=max(slot.tries for _, slot in found),
        created=now,
        updated=now,
    )


def restored_volume(
    name: str, documents: Mapping[str, NodeDesired], now: str = UNKNOWN_TIME
) -> VolumeRecord | None:
    """The record of a volume as a document that mounts it shows it; None: none does."""
    mounts = (mount for _, each in sorted(documents.items()) for mount in each.mounts)
    found: DesiredMount | None = next(
        (each for each in mounts if each.name == name and each.wanted is not Wanted.ABSENT), None
    )
    if found is None:
        return None
    return VolumeRecord(
        name=name, volume=found.volume, secret=found.secret, created=now, updated=now
    )
