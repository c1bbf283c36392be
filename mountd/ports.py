"""What the keeper of mounts needs of the world, and what that promises."""

from collections.abc import Callable
from typing import Protocol

from mountd.domain.outcomes import (
    Answered,
    Dead,
    Failed,
    Found,
    Mounted,
    Silent,
    Unasked,
    Unmounted,
)
from mountd.domain.track import Wish


class Mounter(Protocol):
    """Mounts of one machine below one directory.

    No call ever blocks the loop, and every awaited one ends: within its deadline, whatever a file
    server does. Errors of the world are outcomes, not exceptions.
    """

    def table(self) -> dict[str, Found]:
        """What is mounted now, by mount path. Read from the kernel, without touching a share."""

    async def mount(self, wish: Wish) -> Mounted | Failed:
        """Mount it. Afterwards nothing of a failed attempt is left."""

    async def unmount(self, mount_path: str, *, is_forced: bool) -> Unmounted | Failed:
        """Unmount it and remove its empty directory; succeeds if there is neither.

        Whoever still uses it keeps what he has, unless it is forced: then his calls fail.
        """

    async def probe(
        self, mount_path: str, sub_paths: tuple[str, ...] | None
    ) -> Answered | Silent | Dead | Unasked:
        """Make its server answer a question that no cache can.

        If it does, every one of `sub_paths` is held for containers, or it is said why not, and no
        other one is held any more. None leaves them as they are. So does a hindrance: no place that
        was held goes.
        """

    @property
    def hanging(self) -> int:
        """How many processes hang in the kernel, waiting for a server."""

    def on_change(self, tell: Callable[[str | None], None]) -> None:
        """Say that the mount at a path may have died; with None, that the table is another."""
