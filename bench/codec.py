"""What documents cost behind `schemas.codec`: of one node with 20 containers, of one project.

Run: `python -m bench.codec [CONTAINERS]`. Prints microseconds of the processor for each document
and its size, and judges nothing.
"""

import gc
import sys
from collections.abc import Callable
from hashlib import sha256
from time import process_time

from coordinator.store.nodes import is_news
from schemas.codec import decode, encode
from schemas.current import ContainerCurrent, EngineCurrent, Heartbeat, NodeCurrent
from schemas.desired import DesiredNetwork, DesiredSlot, NodeDesired
from schemas.fingerprint import fingerprint, spec_key
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.service import NetworkAttachment, ServiceSpec
from schemas.states import EngineState, Wanted
from schemas.template import ServiceTemplate

_TIME = "2024-01-01T00:00:00Z"
_SERVICES = ("web", "worker", "cache", "db")
_NETWORK = "shop_default"
#: Each number is the best of so many rounds, each of so many calls.
_ROUNDS, _CALLS = 7, 300


def main(containers: int = 20) -> None:
    """Measure and print."""
    beat, document, record = _heartbeat(), _document(containers), _record()
    report = _report(document)
    # As they arrive: each decoded for itself, and made of the former one where the collector does.
    former, later = _read_again(report), _read_again(report.model_copy(update={"sequence": 8}))
    fewer = report.model_copy(update={"containers": report.containers[1:]})
    changed = _read_again(fewer)
    beats, reports, documents, records = map(encode, (beat, report, document, record))
    cases: tuple[tuple[str, int, Callable[[], object]], ...] = (
        ("Heartbeat decode", len(beats), lambda: decode(Heartbeat, beats)),
        ("NodeCurrent encode", len(reports), lambda: encode(report)),
        ("NodeCurrent decode", len(reports), lambda: decode(NodeCurrent, reports)),
        ("NodeCurrent is no news", 0, lambda: is_news(later.made_of(former), former)),
        ("NodeCurrent is news", 0, lambda: is_news(changed.made_of(former), former)),
        ("NodeDesired encode", len(documents), lambda: encode(document)),
        ("NodeDesired decode", len(documents), lambda: decode(NodeDesired, documents)),
        ("NodeDesired keys", 0, lambda: [slot.key for slot in document.slots]),
        ("ProjectRecord encode", len(records), lambda: encode(record)),
        ("ProjectRecord decode", len(records), lambda: decode(ProjectRecord, records)),
    )
    print(f"a node with {containers} containers, a project of {len(_SERVICES)} services")
    for title, size, work in cases:
        shown = f"{size:8,} bytes" if size else ""
        print(f"{title:24}{_microseconds(work):8.1f} µs{shown}")


def _microseconds(work: Callable[[], object]) -> float:
    # As `timeit` does: a collection that falls into one round would be counted against it.
    gc.collect()
    gc.disable()
    rounds = []
    for _ in range(_ROUNDS):
        began = process_time()
        for _ in range(_CALLS):
            work()
        rounds.append(process_time() - began)
    gc.enable()
    return min(rounds) / _CALLS * 1e6


def _read_again(report: NodeCurrent) -> NodeCurrent:
    return decode(NodeCurrent, encode(report))


def _heartbeat() -> Heartbeat:
    return Heartbeat(
        node="n0001", boot_id="b" * 36, epoch=3, generation=9, sequence=7, engine=EngineState.READY
    )


def _spec(service: str) -> ServiceSpec:
    return ServiceSpec(
        image=f"registry.example.com/shop/{service}:1.4",
        command=("serve", "--port", "8080"),
        environment={"MODE": "production", "DATABASE": "db"},
        labels={"tier": service},
        networks=(NetworkAttachment(name=_NETWORK, aliases=(service,)),),
        mem_limit_bytes=256 * 1024 * 1024,
    )


def _record() -> ProjectRecord:
    services = (
        ServiceTemplate(
            name=name,
            spec=_spec(name),
            definition={"image": f"registry.example.com/shop/{name}:1.4", "command": ["serve"]},
            scale=5,
        )
        for name in _SERVICES
    )
    return ProjectRecord(
        name="shop",
        template="x" * 1000,
        version="1.0",
        created=_TIME,
        updated=_TIME,
        services={
            each.name: ServiceRecord(template=each, scale=5, created=_TIME, updated=_TIME)
            for each in services
        },
        networks=(DesiredNetwork(project="shop", name=_NETWORK),),
    )


def _document(containers: int) -> NodeDesired:
    specs = {name: _spec(name) for name in _SERVICES}
    return NodeDesired(
        node="n0001",
        epoch=3,
        generation=9,
        index=1,
        specs={spec_key(spec): spec for spec in specs.values()},
        slots=tuple(
            DesiredSlot(
                project="shop",
                service=name,
                slot=1 + number // len(specs),
                wanted=Wanted.RUNNING,
                spec=spec_key(specs[name]),
                version="1.0",
            )
            for number in range(containers)
            for name in (_SERVICES[number % len(specs)],)
        ),
        networks=(DesiredNetwork(project="shop", name=_NETWORK),),
    )


def _report(document: NodeDesired) -> NodeCurrent:
    return NodeCurrent(
        node=document.node,
        boot_id="b" * 36,
        agent_version="0.1.0",
        address="192.0.2.1",
        cpus=16.0,
        memory_bytes=2**36,
        engine=EngineCurrent(state=EngineState.READY, version="28.0", since=_TIME),
        epoch=document.epoch,
        generation=document.generation,
        index=document.index,
        settled=True,
        containers=tuple(_container(document, slot) for slot in document.slots),
        sequence=7,
        observed_at=_TIME,
    )


def _container(document: NodeDesired, slot: DesiredSlot) -> ContainerCurrent:
    spec = document.specs[slot.spec]
    return ContainerCurrent(
        id=_digest(slot.key),
        name=str(slot.key),
        project=slot.project,
        service=slot.service,
        slot=slot.slot,
        status="running",
        running=True,
        ip=f"172.18.0.{slot.slot}",
        image=spec.image,
        image_id=f"sha256:{_digest(spec.image)}",
        fingerprint=fingerprint(spec),
        version=slot.version,
        created_at=_TIME,
        started_at=_TIME,
    )


def _digest(of: SlotKey | str) -> str:
    return sha256(str(of).encode()).hexdigest()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
