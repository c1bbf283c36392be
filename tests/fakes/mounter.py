"""A machine's mounts, made up: servers, programs and shares that a test can break and repair."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from mountd.domain.outcomes import Answered, Dead, Failed, Found, Mounted, Silent, Unmounted
from mountd.domain.plan import fingerprint
from mountd.domain.track import Wish
from schemas.current import SubPathCurrent


@dataclass(slots=True)
class FakeServer:
    """What is behind a share. `secret`: the only key that it takes; empty takes any."""

    is_up: bool = True
    secret: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class FakeMount:
    found: Found
    server: FakeServer
    is_alive: bool = True


class FakeMounter:
    """Takes `takes_s` for everything, and `deadline_s` where a server doesn't answer."""

    def __init__(self, *, takes_s: float = 0.0, deadline_s: float = 0.05) -> None:
        self.servers: dict[str, FakeServer] = {}
        self.mounts: dict[str, FakeMount] = {}
        #: what was begun, in order
        self.calls: list[str] = []
        self.hanging = 0
        self._takes_s = takes_s
        self._deadline_s = deadline_s
        self._numbers = itertools.count(1)
        self._listeners: list[Callable[[str | None], None]] = []

    def server(self, wish_path: str) -> FakeServer:
        """The server behind a mount path."""
        return self.servers.setdefault(wish_path, FakeServer())

    def kill(self, mount_path: str) -> None:
        """The program that serves this mount ends."""
        self.mounts[mount_path].is_alive = False
        self._tell(mount_path)

    def snatch(self, mount_path: str) -> None:
        """Somebody unmounts it by hand."""
        del self.mounts[mount_path]
        self._tell(None)

    def table(self) -> dict[str, Found]:
        return {path: mount.found for path, mount in self.mounts.items()}

    async def mount(self, wish: Wish) -> Mounted | Failed:
        path = wish.volume.mount_path
        self.calls.append(f"mount {path}")
        server = self.server(path)
        if not server.is_up:
            await asyncio.sleep(self._deadline_s)
            return Failed("the server doesn't answer")
        await asyncio.sleep(self._takes_s)
        if server.secret and (wish.secret is None or wish.secret.ak_secret != server.secret):
            return Failed("the server refuses the keys")
        incarnation = f"fake-{next(self._numbers)}"
        found = Found(wish.volume.name, path, incarnation, fingerprint(wish))
        self.mounts[path] = FakeMount(found, server)
        return Mounted(incarnation, found.made_for)

    async def unmount(self, mount_path: str, *, is_forced: bool) -> Unmounted | Failed:
        self.calls.append(f"unmount {mount_path}" + (" by force" if is_forced else ""))
        await asyncio.sleep(self._takes_s)
        self.mounts.pop(mount_path, None)
        return Unmounted()

    async def probe(
        self, mount_path: str, sub_paths: tuple[str, ...] | None
    ) -> Answered | Silent | Dead:
        self.calls.append(f"probe {mount_path}")
        mount = self.mounts.get(mount_path)
        if mount is None or not mount.is_alive:
            return Dead("its program has ended")
        if not mount.server.is_up:
            await asyncio.sleep(self._deadline_s)
            return Silent("its server doesn't answer")
        await asyncio.sleep(self._takes_s)
        return Answered(tuple(self._hold(mount, path) for path in sub_paths or ()))

    @staticmethod
    def _hold(mount: FakeMount, path: str) -> SubPathCurrent:
        if any(name.startswith(f"{path}/") for name in mount.server.files):
            return SubPathCurrent(path=path, place=f".sub/{mount.found.incarnation}-{path}")
        return SubPathCurrent(path=path, reason=f"it has no {path}")

    def on_change(self, tell: Callable[[str | None], None]) -> None:
        self._listeners.append(tell)

    def _tell(self, mount_path: str | None) -> None:
        for tell in self._listeners:
            tell(mount_path)
