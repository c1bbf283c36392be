"""`Store`: all that the coordinator knows of the cluster, as tables, indexes and one change log.

It owns no task. A bucket's table is written by whoever changes records or documents; what nodes
report is written by the collector, what is believed of them by the health watch, what is decided by
the control loop. Whoever follows the cluster asks `changes` for what has changed since.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from coordinator.ports import Bucket
from coordinator.store.changes import ChangeLog, Kind
from coordinator.store.evidence import Doubt, Kept, project_doubt, volume_doubt
from coordinator.store.indexes import Documented, Reported
from coordinator.store.nodes import Health, NodePicture, Position
from coordinator.store.placements import Placed, Placement
from coordinator.store.revisions import Revisions
from coordinator.store.shared_parts import SharedParts
from coordinator.store.table import Rows, Table
from schemas.current import NodeCurrent
from schemas.desired import NodeDesired
from schemas.names import SlotKey, is_node_name
from schemas.records import NodeRecord, ProjectRecord, VolumeRecord
from schemas.routing import ProjectRoutes, RouterCurrent
from schemas.states import Wanted
from schemas.subjects import DESIRED_BUCKET, NODES_BUCKET, PROJECTS_BUCKET, VOLUMES_BUCKET

_UNHEARD = Health()


@dataclass(frozen=True, slots=True)
class Buckets:
    """The coordinator's own buckets."""

    projects: Bucket
    volumes: Bucket
    nodes: Bucket
    desired: Bucket
    revisions: Bucket
    routes: Bucket


def made_at(table: Table[Any], name: str) -> int:
    """The revision that documents made from a record note; no older one explains them."""
    record = table.get(name)
    return max(table.revision(name), record.accepts if record else 0)


def _kept(table: Table[Any], name: str) -> Kept:
    unreadable = table.unreadable.get(name)
    return Kept(table.get(name), made_at(table, name), unreadable.fault if unreadable else "")


def _blank(name: str) -> NodeDesired | None:
    """Stands for a document that can't be read: it is made again from records and containers."""
    return NodeDesired(node=name, epoch=0, generation=0) if is_node_name(name) else None


class Store:
    """What is wanted, what was decided, what is seen."""

    def __init__(self, buckets: Buckets) -> None:
        log = self.changes = ChangeLog()
        self.projects = Table(Kind.PROJECT, ProjectRecord, buckets.projects, log)
        self.volumes = Table(Kind.VOLUME, VolumeRecord, buckets.volumes, log)
        self.nodes = Table(Kind.NODE, NodeRecord, buckets.nodes, log)
        shared = SharedParts()
        self.projects.observe(shared.hear)
        self.documents = Table(
            *(Kind.DOCUMENT, NodeDesired, buckets.desired, log),
            named="node",
            blank=_blank,
            share=shared.share,
        )
        self.reports: Rows[NodeCurrent] = Rows(Kind.REPORT, log)
        #: of the orders that each node held at its newest heartbeat
        self.positions: Rows[Position] = Rows(Kind.POSITION, log)
        #: monotonic seconds of each node's last sign of life: no change, and no reason to look
        self.last_heard: dict[str, float] = {}
        self.health: Rows[Health] = Rows(Kind.HEALTH, log)
        #: why a node's orders could not be written
        self.refused: Rows[str] = Rows(Kind.REFUSED, log)
        #: since when (RFC 3339) a node has held older orders than it should, where that is too long
        self.behind: Rows[str] = Rows(Kind.BEHIND, log)
        #: by project
        self.placements: Rows[Placement] = Rows(Kind.PLACEMENT, log)
        #: project -> revision of the record whose consequences are all written
        self.applied: Rows[int] = Rows(Kind.APPLIED, log)
        #: projects and volumes whose records prove nothing
        self.doubts: Rows[Doubt] = Rows(Kind.DOUBT, log)
        self.volume_doubts: Rows[Doubt] = Rows(Kind.VOLUME_DOUBT, log)
        #: every node that has joined, by name
        self.known: Rows[NodePicture] = Rows(Kind.KNOWN, log)
        self.documented = Documented(self._tell_homes)
        self.reported = Reported(self._tell_reported, self._tell_homes)
        self.placed = Placed()
        #: what routers are told, by project, and what they say
        self.routes = Table(
            *(Kind.ROUTES, ProjectRoutes, buckets.routes, log),
            named="project",
        )
        self.routers: Rows[RouterCurrent] = Rows(Kind.ROUTER, log)
        self.revisions = Revisions(buckets.revisions)
        self._frozen_because = ""
        self._halted_because = ""
        self._index()

    @property
    def tables(self) -> Mapping[str, Table[Any]]:
        """The tables that are kept, by their buckets' names."""
        return {
            PROJECTS_BUCKET: self.projects,
            VOLUMES_BUCKET: self.volumes,
            NODES_BUCKET: self.nodes,
            DESIRED_BUCKET: self.documents,
        }

    @property
    def frozen_because(self) -> str:
        """Why nothing is rescheduled now; empty: it is."""
        return self._frozen_because

    @property
    def halted_because(self) -> str:
        """Why nothing is written and no command taken; empty: they are."""
        return self._halted_because

    def freeze(self, why: str) -> None:
        if why != self._frozen_because:
            self._frozen_because = why
            self.changes.append(Kind.CONDITION, "frozen")

    def halt(self, why: str) -> None:
        if why != self._halted_because:
            self._halted_because = why
            self.changes.append(Kind.CONDITION, "halted")

    def repeat(self, report: NodeCurrent) -> None:
        """Take a report that says nothing but that time has passed; that is no change."""
        node = report.node
        self.reports.renew(node, report)
        if node in self.known:
            self.known.renew(node, replace(self.known[node], current=report))

    def home(self, slot: SlotKey) -> str | None:
        """Where a slot is so far: by its document, or else where a container of it is seen.

        So a lost document is made again around what runs, and a service that is scaled down and up
        again at once gets back the containers that had not left yet.
        """
        documented = self.documented.home(slot)
        if documented is not None:
            return documented
        seen = [self.known[n] for n in self.reported.nodes_with(slot) if n in self.known]
        trusted = [node for node in seen if node.is_trusted]
        return min(trusted, key=lambda node: (node.index, node.name)).name if trusted else None

    def documented_placement(self, project: str) -> Placement:
        """Where the project's slots are according to the documents."""
        slots = {
            slot
            for node in self.documented.nodes_of(project)
            for slot in self.documented.slots_at(node)
            if slot.project == project
        }
        return Placement({slot: self.documented.home(slot) or "" for slot in sorted(slots)})

    def doubt_about(self, project: str) -> Doubt | None:
        """Whether what is stored shows that the project's record proves nothing."""
        documented, reported = self.documented.nodes_of(project), self.reported.of(project)
        documents = {n: self.documents[n] for n in documented if n in self.documents}
        nodes = {n: (self.known[n], report) for n, report in reported.items() if n in self.known}
        for node in nodes.keys() & self.documents.keys():
            # Also one that says nothing of it: that is what is asked.
            documents.setdefault(node, self.documents[node])
        return project_doubt(project, _kept(self.projects, project), documents, nodes)

    def doubt_about_volume(self, name: str) -> Doubt | None:
        """The same of a volume."""
        documents = {
            node: document
            for node, document in self.documents.items()
            if any(mount.name == name for mount in document.mounts)
        }
        return volume_doubt(name, _kept(self.volumes, name), documents)

    def has_older_records(self) -> bool:
        """Whether a document was made from a newer record than the one that is held."""
        return any(
            revision > made_at(table, name)
            for document in self.documents.values()
            for table, made_from in (
                (self.projects, document.records),
                (self.volumes, document.volume_records),
            )
            for name, revision in made_from.items()
        )

    def position(self, node: str) -> Position | None:
        """Epoch and generation of the newest orders that a node said it holds.

        The newer of its status and its heartbeat: either may have been lost, or be an old copy.
        """
        report, beat = self.reports.get(node), self.positions.get(node)
        reported = (report.epoch, report.generation) if report else None
        return max((each for each in (reported, beat) if each is not None), default=None)

    def nodes_of(self, project: str) -> Collection[str]:
        """The nodes that have to do with a project: by placement, document or report."""
        placement = self.placements.get(project)
        return {
            *(placement.assigned.values() if placement else ()),
            *self.documented.nodes_of(project),
            *self.reported.of(project),
        }

    def mounts_wanted(self, node: str) -> Collection[str]:
        """The volumes that the node's document wants mounted."""
        document = self.documents.get(node)
        mounts = document.mounts if document else ()
        return {mount.name for mount in mounts if mount.wanted is not Wanted.ABSENT}

    def _index(self) -> None:
        self.documents.observe(self.documented.hear)
        self.reports.observe(self.reported.hear)
        self.placements.observe(self.placed.hear)
        for rows in (self.nodes, self.documents, self.reports, self.health):
            rows.observe(lambda node, _before, _after: self._renew(node))
        for words in (self.refused, self.behind):
            words.observe(lambda node, _before, _after: self._renew(node))

    def _renew(self, node: str) -> None:
        """Put together anew what is known of a node."""
        before, after = self.known.get(node), self._picture(node)
        if after is None:
            self.known.forget(node)
        elif before is None or before.current is not after.current or before != after:
            # Looked at first: to compare two reports takes longer than all the rest.
            self.known.set(node, after)
        trust = [(each.is_trusted, each.index) if each else None for each in (before, after)]
        if trust[0] != trust[1]:
            for project in {slot.project for slot in self.reported.slots_at(node)}:
                self._tell_homes(project)

    def _picture(self, node: str) -> NodePicture | None:
        """One that has orders and whose record is lost, or can't be read, is there all the same.

        It keeps what it has, and gets nothing new before its record is back.
        """
        record, document = self.nodes.get(node), self.documents.get(node)
        report, health = self.reports.get(node), self.health.get(node, _UNHEARD)
        if record is None and document is None:
            return None
        written = (document.index if document else 0) or (report.index if report else 0)
        return NodePicture(
            name=node,
            index=record.index if record else written,
            joined=record.joined if record else "",
            state=health.state,
            is_cordoned=record.is_cordoned if record else True,
            current=report,
            silent_for_s=health.silent_for_s,
            silent_since=health.silent_since,
            refused_because=self.refused.get(node, ""),
            behind_since=self.behind.get(node, ""),
        )

    def _tell_homes(self, project: str) -> None:
        self.changes.append(Kind.HOMES, project)

    def _tell_reported(self, project: str) -> None:
        self.changes.append(Kind.REPORTED, project)
