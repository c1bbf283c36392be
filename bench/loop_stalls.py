"""The coordinator's own measure of how late its event loop is. Reads: /metrics."""

import re
import urllib.request
from dataclasses import dataclass
from itertools import pairwise

_BUCKET = re.compile(
    r'^troopers_coordinator_loop_stall_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)$'
)
_LONGEST = re.compile(r"^troopers_coordinator_loop_stall_longest_seconds ([0-9.e+-]+)$")


@dataclass(frozen=True, slots=True)
class Stalls:
    """How often the loop was late by how much, at one moment."""

    #: (upper bound in seconds, beats up to it), ascending
    buckets: tuple[tuple[float, float], ...]
    longest_s: float

    @classmethod
    def of(cls, url: str) -> "Stalls":
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310 - ours
            lines = answer.read().decode().splitlines()
        found = [matched for line in lines if (matched := _BUCKET.match(line))]
        longest = next((float(m[1]) for line in lines if (m := _LONGEST.match(line))), 0.0)
        return cls(tuple((float(m[1]), float(m[2])) for m in found), longest)

    def since(self, earlier: "Stalls") -> str:
        """The 99.9th percentile of the beats since then, and the longest one since the start."""
        counts = [now[1] - was[1] for now, was in zip(self.buckets, earlier.buckets, strict=True)]
        total, bounds = counts[-1], [bound for bound, _ in self.buckets]
        rank, p999_s = 0.999 * total, bounds[-1]
        for (below, bound), (before, count) in zip(
            pairwise([0.0, *bounds]), pairwise([0.0, *counts]), strict=True
        ):
            if count >= rank:
                # As Prometheus does: evenly within the bucket.
                p999_s = below + (bound - below) * (rank - before) / max(count - before, 1.0)
                break
        return (
            f"p99.9 {p999_s * 1000:,.0f} ms of {total:,.0f} beats (limit 50 ms), "
            f"longest since the start {self.longest_s * 1000:,.0f} ms (limit 250 ms)"
        )
