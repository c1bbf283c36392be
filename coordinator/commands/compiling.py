"""`Compiling`: templates to what a project keeps, off the event loop, with the volumes there are.

Reads: the store.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from compose.errors import TemplateError
from compose.redaction import HIDDEN, with_kept_secrets
from compose.template import compile_template
from coordinator.commands.volume_holds import Hold, VolumeHolds
from coordinator.errors import RecordInDoubt
from coordinator.store.store import Store
from coordinator.views.render import reserved_variables
from schemas.template import ProjectTemplate
from schemas.volume import BASE_DIRECTORY

#: More would only wait for each other: it is all processor time.
TEMPLATES_AT_ONCE = 2

#: calls a function with these arguments
Offload = Callable[..., Awaitable[Any]]


class Compiling:
    """Compiles a few templates at a time."""

    def __init__(
        self,
        store: Store,
        holds: VolumeHolds,
        *,
        default_domain: str = "",
        mount_base: str = BASE_DIRECTORY,
        offload: Offload = asyncio.to_thread,
    ) -> None:
        self._store = store
        self._holds = holds
        self._default_domain = default_domain
        self._mount_base = mount_base
        self._offload = offload
        self._turns = asyncio.Semaphore(TEMPLATES_AT_ONCE)

    async def compile(
        self, project: str, version: str, text: str, environment: Mapping[str, str], hold: Hold
    ) -> ProjectTemplate:
        """The template of a project at a version; the volumes that it uses are held from now on.

        Raises:
            TemplateError: it can't be used.
            Conflict: a volume that it uses has been deleted since.
            RecordInDoubt: so is a volume that it uses.
        """
        reserved = reserved_variables(project, version, self._default_domain)
        doubted = self._doubted_volumes()
        whole = {n: p for n, p in self._holds.available().items() if n not in doubted}
        # A template may be a megabyte of hostile YAML; the loop has heartbeats to count.
        async with self._turns:
            template: ProjectTemplate = await self._offload(
                compile_template,
                project,
                text,
                {**environment, **reserved},
                doubted | whole,
                mount_base=self._mount_base,
            )
        for name in template.hidden_variables:
            if environment.get(name) == HIDDEN:
                raise TemplateError(
                    f"{HIDDEN} is shown in place of this variable's value, which is not known: "
                    "give the value itself",
                    where=f"environment.{name}",
                )
        used = {path for each in template.services for path in each.spec.shared_mounts}
        used.difference_update(whole.values())
        for name in [name for name, path in doubted.items() if path in used]:
            if doubt := self._store.doubt_about_volume(name):
                raise RecordInDoubt(doubt.words)
        self._holds.use(hold, project, template)
        return template

    async def with_kept_secrets(self, text: str, kept: str = "") -> str:
        """What was shown, with the secrets of the template that is kept. Raises TemplateError."""
        if HIDDEN not in text:
            return text
        async with self._turns:
            found: str = await self._offload(with_kept_secrets, text, kept)
        return found

    def _doubted_volumes(self) -> dict[str, str]:
        """Volumes in doubt, and their mount paths as far as they are known."""
        store = self._store
        if not store.volume_doubts:
            return {}
        mounts = (mount for document in store.documents.values() for mount in document.mounts)
        paths = {mount.name: mount.volume.mount_path for mount in mounts}
        return {name: paths.get(name, f"nas/{name}") for name in store.volume_doubts}
