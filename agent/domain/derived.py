"""What follows from a document alone is computed once for it, not again in every pass."""

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from schemas.desired import NodeDesired

Derived = TypeVar("Derived")


def once_per_document(derive: Callable[[NodeDesired], Derived]) -> Callable[[NodeDesired], Derived]:
    """Keep what a pure function finds for as long as the document lives, by its identity.

    A document never changes. What is found must not refer to it, or both would live for ever.
    """
    known: dict[int, tuple[weakref.ref[NodeDesired], Derived]] = {}

    @wraps(derive)
    def derived(desired: NodeDesired) -> Derived:
        number = id(desired)
        found = known.get(number)
        # An id is given away again after its document's death, when the entry is gone already.
        if found is not None and found[0]() is desired:
            return found[1]
        value = derive(desired)
        known[number] = weakref.ref(desired, lambda _: known.pop(number, None)), value
        return value

    return derived
