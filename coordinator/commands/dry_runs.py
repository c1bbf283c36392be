"""`DryRuns`: what a create or update would do, decided by what would do it. Writes nothing.

Reads: the store, and whatever deciding reads.
"""

import asyncio
from typing import Any

from coordinator.commands.compiling import Offload
from coordinator.commands.deciding import Deciding
from coordinator.errors import Overloaded
from coordinator.placement.planned_changes import planned_changes
from coordinator.placement.rehearsal import Cluster
from coordinator.store.store import Store
from schemas.command import CreateProject, UpdateProject
from schemas.records import ProjectRecord
from schemas.reply import Reply

#: More would only wait for each other: it is all processor time, in a large cluster seconds of it.
PLANS_AT_ONCE = 1
#: Each holds one of the few places of commands with a template, which others need to do something.
PLANS_MAX = 8


class DryRuns:
    """Makes a few plans, one after the other."""

    def __init__(
        self, store: Store, deciding: Deciding, *, offload: Offload = asyncio.to_thread
    ) -> None:
        self._store = store
        self._deciding = deciding
        self._offload = offload
        self._turns = asyncio.Semaphore(PLANS_AT_ONCE)
        self._in_hand = 0

    async def plan(self, command: CreateProject | UpdateProject) -> Reply:
        """The reply with the plan.

        Raises InvalidInput where the command would be refused, and Transient where it could not be
        decided now, or too many plans are being made.
        """
        if self._in_hand >= PLANS_MAX:
            raise Overloaded("too many at once: plans")
        self._in_hand += 1
        try:
            foreseen = await self._deciding.foresee(command)
            async with self._turns:
                # What is held is replaced, never changed: copies of tables are copies of all of it.
                body: dict[str, Any] = await self._offload(
                    _plan, self._cluster(), foreseen.before, foreseen.record
                )
        finally:
            self._in_hand -= 1
        return Reply(
            command_id=command.command_id,
            outcome="accepted",
            result=body,
            warnings=tuple(body["warnings"]),
        )

    def _cluster(self) -> Cluster:
        store = self._store
        return Cluster(
            projects=dict(store.projects.items()),
            nodes=tuple(store.known.values()),
            documents=dict(store.documents.items()),
            volumes=dict(store.volumes.items()),
            is_frozen=bool(store.frozen_because),
        )


def _plan(cluster: Cluster, before: ProjectRecord | None, record: ProjectRecord) -> dict[str, Any]:
    """As the API shows it."""
    plan: dict[str, Any] = planned_changes(cluster, before, record).model_dump(
        mode="json", exclude_unset=True
    )
    return plan
