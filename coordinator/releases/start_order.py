"""In what order services start. Pure."""

from collections.abc import Mapping

from schemas.release import ServiceRecord


def in_start_order(services: Mapping[str, ServiceRecord]) -> list[str]:
    """Their names, dependencies first."""
    ordered: list[str] = []
    pending = list(services)
    while pending:
        ready = [
            name
            for name in pending
            if not set(services[name].template.depends_on) & set(pending) - {name}
        ]
        # The compiler refuses cycles; a record that has one anyway is taken in its own order.
        for name in ready or pending[:1]:
            ordered.append(name)
            pending.remove(name)
    return ordered
