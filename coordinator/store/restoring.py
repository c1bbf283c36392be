"""A record made again from the documents that were made from it. Pure.

What a document has is enough to keep everything running as it is: specs are stored whole, so
fingerprints stay the same and no container is made anew. What only the record had is gone, and told
as warnings: the template's text, placement rules, dependencies, environment, description.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from schemas.desired import DesiredMount, DesiredNetwork, DesiredSlot, NodeDesired, PullPolicy
from schemas.names import ServiceKey, age_of_set, split_network_of_set
from schemas.records import ProjectRecord, VolumeRecord
from schemas.release import ServiceRecord
from schemas.service import ServiceSpec
from schemas.states import State, Wanted
from schemas.template import ServiceTemplate

#: slots of one service, each with the document that has it
Slots = list[tuple[NodeDesired, DesiredSlot]]

WARNINGS = (
    (
        "restored from the nodes' documents: the template's text, its environment, description, "
        "placement rules and dependencies are not known"
    ),
)
_UNSEEN = (
    "restored from an older copy: no node has orders for {}, stopped here; start what is wanted"
)
_RELEASED = "restored while {} was released: its containers of the {} are removed, because {}"
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
    networks = {n.name: n for d in documents.values() for n in d.networks if n.project == name}
    services = {
        service: _service(service, found, networks.keys(), now)
        for service, found in sorted(slots.items())
    }
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
        revision=max((_age(each) for each in services.values()), default=0) or 1,
        version=_most([slot.version for slot in every]) or (old.version if old else ""),
        created=now,
        updated=now,
        desired_state=State.RUNNING if runs or not services else State.STOPPED,
        services=services,
        networks=_as_in_the_first_set(networks, services.values()),
        volumes=tuple(
            {
                v.name: v
                for d in documents.values()
                for v in d.volumes
                if v.project == name and v.wanted is not Wanted.ABSENT
            }.values()
        ),
        warnings=(*WARNINGS, *others),
    )
    if old is None or old.is_gone:
        return found
    newer = {"version", "desired_state", "services", "networks", "volumes", "updated"}
    told = found.warnings[len(WARNINGS) :]
    warnings = (*old.warnings, *told, *((_UNSEEN.format(unseen),) if unseen else ()))
    kept = {key: getattr(found, key) for key in newer}
    # Documents don't say how far a release is: what most slots are of is current.
    # None is given twice, and sets are called by them.
    kept["revision"] = max(old.revision, found.revision)
    return old.model_copy(update={**kept, "warnings": warnings, "release": None})


def _by_service(
    project: str, documents: Mapping[str, NodeDesired]
) -> tuple[dict[str, Slots], list[str]]:
    """Every service's slots, and in words the sets that are left out.

    Where services are there in two sets, all are of the same side, as they were made to go
    together: the one of which more is wanted, and the older one where that says nothing.
    """
    found: dict[ServiceKey, Slots] = {}
    for _, document in sorted(documents.items()):
        for slot in document.slots:
            is_there = slot.wanted is not Wanted.ABSENT and not _is_held(slot)
            if slot.project == project and is_there:
                found.setdefault(slot.key.service_key, []).append((document, slot))
    sets: dict[str, list[ServiceKey]] = {}
    for key in sorted(found, key=lambda each: (each.service, age_of_set(each.set_name))):
        sets.setdefault(key.service, []).append(key)
    both = [keys for keys in sets.values() if len(keys) > 1]
    older = sum(_running_slots(found[keys[0]]) for keys in both)
    newer = sum(_running_slots(found[keys[-1]]) for keys in both)
    chosen = {service: keys[-1 if newer > older else 0] for service, keys in sets.items()}
    why = "of the other side more is wanted"
    if newer == older:
        why = "as much is wanted of both, and nothing says that the newer one was confirmed"
    left_out = [
        _RELEASED.format(key.service, f"set {key.set_name}" if key.set_name else "first set", why)
        for keys in both
        for key in keys
        if key != chosen[key.service]
    ]
    return {service: found[key] for service, key in chosen.items()}, left_out


def _is_held(slot: DesiredSlot) -> bool:
    """Whether it waits for a release to come to it, and no container was made for it."""
    ahead = slot.prepares
    return (
        slot.wanted is Wanted.STOPPED
        and ahead is not None
        and (ahead.spec, ahead.version, ahead.refresh) == (slot.spec, slot.version, slot.refresh)
    )


def _age(service: ServiceRecord) -> int:
    return max(age_of_set(service.set_name), age_of_set(service.network_set))


def _most(texts: Iterable[str]) -> str:
    """The one that is there most often, of several the last by its letters; empty: there is none."""
    counted = Counter(texts)
    return max(counted, key=lambda text: (counted[text], text), default="")


def _as_in_the_first_set(
    networks: Mapping[str, DesiredNetwork], services: Iterable[ServiceRecord]
) -> tuple[DesiredNetwork, ...]:
    """The project's networks as its record has them; those of sets that no service is in are left out."""
    used = {service.network_set for service in services}
    found: dict[str, DesiredNetwork] = {}
    # That of the first set comes first, and has its addresses.
    for name, network in sorted(networks.items()):
        base, in_set = split_network_of_set(name)
        if not in_set or in_set in used:
            found.setdefault(base, network.model_copy(update={"name": base}))
    return tuple(found.values())


def _running_slots(slots: Slots) -> int:
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


def _service(name: str, found: Slots, own: Collection[str], now: str) -> ServiceRecord:
    """`own`: the project's own networks, as documents call them."""
    counted = Counter(slot.spec for _, slot in found)
    # Documents that were written one after another may differ; the newest spec is the last word,
    # and in an update that replaces containers in their places the one that most of them have.
    document, newest = max(
        found, key=lambda each: (each[1].refresh, each[1].tries, counted[each[1].spec])
    )
    spec, network_set = _unresolved(document.specs[newest.spec], own)
    # One that waits for what it depends on is ordered stopped as well, but nobody said how.
    runs = any(
        slot.wanted is Wanted.RUNNING or (not slot.stop_signal and slot.stop_timeout_s is None)
        for _, slot in found
    )
    # What a redeploy asks for is no policy of the service.
    pull = PullPolicy.MISSING if newest.pull is PullPolicy.NEWER else newest.pull
    template = ServiceTemplate(
        name=name,
        spec=spec,
        pull=pull,
        scale=max(slot.slot for _, slot in found),
        is_global=newest.is_global,
    )
    return ServiceRecord(
        template=template,
        set_name=newest.set_name,
        network_set=network_set,
        scale=template.scale,
        desired_state=State.RUNNING if runs else State.STOPPED,
        stop_signal=newest.stop_signal,
        stop_timeout_s=newest.stop_timeout_s,
        refresh=max(slot.refresh for _, slot in found),
        tries=max(slot.tries for _, slot in found),
        created=now,
        updated=now,
    )


def _unresolved(spec: ServiceSpec, own: Collection[str]) -> tuple[ServiceSpec, str]:
    """The spec with its networks as the first set calls them, and the set that it is in."""
    split = [split_network_of_set(each.name) for each in spec.networks]
    in_set = max(
        (s for (_, s), each in zip(split, spec.networks, strict=True) if each.name in own),
        key=age_of_set,
        default="",
    )
    if not in_set:
        return spec, ""
    networks = tuple(
        each.model_copy(update={"name": base}) if each.name in own and s == in_set else each
        for (base, s), each in zip(split, spec.networks, strict=True)
    )
    return spec.model_copy(update={"networks": networks}), in_set


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
