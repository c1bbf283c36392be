"""From weights of versions to weights of back-ends, in whole numbers. Pure.

A version's weight is its part of the traffic, however many containers it has: so each container has
the weight divided by their number. These quotients are brought to whole numbers of the same ratio, as
large as a back-end may have. Where the ratio needs larger numbers than that, each version's sum is
rounded to the nearest whole number, with one at least for each container that is to have anything:

    weights 100 and 100, containers 2 and 3   ->  255 255   170 170 170
    weights 1000 and 1,  containers 2 and 2   ->  256 256   1 1
    weights 100 and 0,   containers 1 and 1   ->  256       0
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, gcd, lcm
from typing import TypeVar

from schemas.routing import BACKEND_WEIGHT_MAX

Version = TypeVar("Version", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Share:
    """A version's weight, and how many containers share it."""

    weight: int
    containers: int


def shared_out(shares: Mapping[Version, Share]) -> dict[Version, tuple[int, ...]]:
    """Each version's containers' weights. One version alone has everything, whatever its weight."""
    if len(shares) == 1:
        return {name: (BACKEND_WEIGHT_MAX,) * one.containers for name, one in shares.items()}
    quotients = {
        name: Fraction(one.weight, one.containers)
        for name, one in shares.items()
        if one.weight and one.containers
    }
    found = {name: (0,) * one.containers for name, one in shares.items()}
    if not quotients:
        return found
    scale = _scale(tuple(quotients.values()))
    for name, quotient in quotients.items():
        containers = shares[name].containers
        found[name] = _spread(quotient * containers * scale, containers)
    return found


def _scale(quotients: Sequence[Fraction]) -> Fraction:
    """What to multiply with: to whole numbers if they fit, otherwise the largest to its maximum."""
    to_whole = lcm(*(one.denominator for one in quotients))
    smallest = Fraction(to_whole, gcd(*(int(one * to_whole) for one in quotients)))
    times = floor(BACKEND_WEIGHT_MAX / (max(quotients) * smallest))
    return smallest * times if times else BACKEND_WEIGHT_MAX / max(quotients)


def _spread(total: Fraction, containers: int) -> tuple[int, ...]:
    """The sum as whole numbers, those of the first containers one larger where it can't be even."""
    whole = max(containers, floor(total + Fraction(1, 2)))
    one, rest = divmod(whole, containers)
    return (one + 1,) * rest + (one,) * (containers - rest)
