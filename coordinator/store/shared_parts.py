"""`SharedParts`: specs and networks that records and documents have in common, held once.

A document that is made refers to the parts of the records it follows from. One that is read has
copies of its own, which for 1,000 nodes with 20 containers each took 60 MiB.
"""

from typing import TypeVar
from weakref import WeakValueDictionary

from schemas.desired import DesiredNetwork, NodeDesired
from schemas.document import Part
from schemas.fingerprint import spec_key
from schemas.records import ProjectRecord
from schemas.service import ServiceSpec

SomePart = TypeVar("SomePart", bound=Part)


class SharedParts:
    """Knows the parts that are held anywhere, for as long as they are."""

    def __init__(self) -> None:
        self._specs: WeakValueDictionary[str, ServiceSpec] = WeakValueDictionary()
        #: by their names on the engine
        self._networks: WeakValueDictionary[str, DesiredNetwork] = WeakValueDictionary()

    def hear(self, _name: str, _before: ProjectRecord | None, record: ProjectRecord | None) -> None:
        """A record has changed: its parts are what documents will refer to."""
        if record is None:
            return
        for each in (record, record.release.target) if record.release else (record,):
            for service in each.services.values():
                self._specs[spec_key(service.template.spec)] = service.template.spec
            for network in each.networks:
                self._networks[network.name] = network

    def share(self, document: NodeDesired) -> NodeDesired:
        """An equal document, with parts that are held already instead of its own."""
        specs = {key: _held(self._specs, key, spec) for key, spec in document.specs.items()}
        networks = tuple(_held(self._networks, each.name, each) for each in document.networks)
        return document.model_copy(update={"specs": specs, "networks": networks})


def _held(parts: WeakValueDictionary[str, SomePart], key: str, part: SomePart) -> SomePart:
    held = parts.setdefault(key, part)
    # A key is what somebody wrote; another version may hash otherwise.
    return held if held == part else part
