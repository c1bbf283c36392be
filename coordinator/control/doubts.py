"""`Doubts`: compares records with documents and reports at every reading, and tells what is lost.

Reads: the store. Writes: its doubts. What follows from a doubt is decided where it is looked at:
documents keep what they say, commands are refused with the reason, views show what is known.
"""

from collections.abc import Callable, Iterable

import structlog

from coordinator.ports import EventSink
from coordinator.store.changes import Changes, Kind
from coordinator.store.evidence import Doubt
from coordinator.store.store import Store, made_at
from coordinator.store.table import Rows
from schemas.event import EventKind

log = structlog.get_logger()


class Doubts:
    """Follows the store; looks at what has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = 0
        #: projects and volumes whose doubts were told, with the words
        self._told: dict[tuple[str, str], str] = {}

    def follow(self, events: EventSink | None = None) -> None:
        """Look at what has changed. Without `events`, as a standby, tell nobody."""
        store = self._store
        changes = store.changes.since(self._version)
        self._version = store.changes.version
        projects, volumes = self._everything() if changes is None else self._concerned(changes)
        self._look(projects, store.doubts, store.doubt_about)
        self._look(volumes, store.volume_doubts, store.doubt_about_volume)
        if events is not None:
            self._tell("project", store.doubts, events)
            self._tell("volume", store.volume_doubts, events)

    def _everything(self) -> tuple[set[str], set[str]]:
        store = self._store
        projects = {*store.projects, *store.projects.unreadable, *store.doubts}
        volumes = {*store.volumes, *store.volumes.unreadable, *store.volume_doubts}
        for node in {*store.documents, *store.reports}:
            projects |= {*store.documented.projects_at(node), *store.reported.projects_at(node)}
            volumes |= set(store.mounts_wanted(node))
        return projects, volumes

    def _concerned(self, changes: Changes) -> tuple[set[str], set[str]]:
        """What a change may have put into doubt, or out of it.

        A project with a record that can be read is in doubt by a document only, and there one look
        at the two revisions says so.
        """
        store = self._store
        projects = {*changes.of(Kind.PROJECT)}
        volumes = {*changes.of(Kind.VOLUME)}
        for name in (*changes.of(Kind.HOMES), *changes.of(Kind.REPORTED)):
            if name not in store.projects or name in store.doubts:
                projects.add(name)
        for node in changes.of(Kind.DOCUMENT):
            document = store.documents.get(node)
            for name in store.documented.projects_at(node):
                made_from = document.records.get(name, 0) if document else 0
                if name not in store.projects or made_from > made_at(store.projects, name):
                    projects.add(name)
            for name in store.mounts_wanted(node):
                made_from = document.volume_records.get(name, 0) if document else 0
                if name not in store.volumes or made_from > made_at(store.volumes, name):
                    volumes.add(name)
            volumes |= set(store.volume_doubts)
        for node in changes.of(Kind.KNOWN):
            # Its word may count by now, or no longer.
            projects |= {n for n in store.reported.projects_at(node) if n not in store.projects}
        return projects, volumes

    @staticmethod
    def _look(
        names: Iterable[str], rows: Rows[Doubt], doubt_about: Callable[[str], Doubt | None]
    ) -> None:
        for name in sorted(names):
            doubt = doubt_about(name)
            if doubt is None:
                rows.forget(name)
            elif rows.get(name) != doubt:
                rows.set(name, doubt)

    def _tell(self, noun: str, rows: Rows[Doubt], events: EventSink) -> None:
        for name, doubt in rows.items():
            if (noun, name) not in self._told:
                log.error("a record is in doubt", noun=noun, name=name, kind=doubt.kind.value)
                about = {"project": name} if noun == "project" else {}
                events.tell(EventKind.RECORD_DOUBTED, doubt.words, **about)
            self._told[noun, name] = doubt.words
        for of_noun, name in list(self._told):
            if of_noun == noun and name not in rows:
                log.warning("a record is in doubt no longer", noun=noun, name=name)
                del self._told[of_noun, name]
