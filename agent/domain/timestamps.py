"""Seconds since the epoch inside, RFC 3339 on the wire."""

from datetime import UTC, datetime
from functools import lru_cache


# Every status tells the times of all containers, which hardly ever change.
@lru_cache(maxsize=1024)
def rfc3339(seconds: float | None) -> str:
    """UTC with microseconds; empty for a moment that has not been."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
