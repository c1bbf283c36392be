"""Releases and revisions as the API shows them: parts of a project's body, and bodies of their own."""

from collections.abc import Iterator, Mapping
from typing import Any

from compose.redaction import HIDDEN
from coordinator.errors import NoRevision
from coordinator.releases.rollouts import changes_of
from coordinator.releases.weights import weights_of
from coordinator.views.rollup import ProjectView
from coordinator.views.services import ServiceView
from schemas.fingerprint import fingerprint
from schemas.release import Release, RevisionNote
from schemas.revision import RevisionRecord


def release_fields(view: ProjectView) -> dict[str, Any]:
    """What a project's body says of its releases."""
    record, ended = view.record, view.record.last_release
    shown: dict[str, Any] = {"revision": record.revision}
    if record.release is not None:
        shown["release"] = _release(view, record.release)
    if ended is not None:
        shown["last_release"] = {
            "kind": ended.kind,
            "outcome": ended.outcome,
            "version": ended.version,
            "revision": ended.revision,
            "message": ended.message,
            "ended": ended.ended,
        }
    return shown


def _release(view: ProjectView, release: Release) -> dict[str, Any]:
    services = {}
    for name, change in sorted(changes_of(view.record, release).items()):
        updated = _up(view, name)
        total = change.new.scale
        if change.new.template.is_global:
            total = len({each.current.slot for each in view.services[name].containers})
        services[name] = {
            "updated": updated,
            "total": total,
            "weights": weights_of(view.record, name),
        }
    return {
        "kind": release.kind,
        "state": release.state,
        "version": release.target.version,
        "revision": release.target.revision,
        "started": release.operation.started,
        "message": release.message,
        "confirmed": bool(release.confirmed),
        "services": services,
    }


def _up(view: ProjectView, name: str) -> int:
    """Containers of the next version that are up."""
    ahead: ServiceView | None = view.next.get(name)
    found = set()
    for alike in view.groups.values():
        for group in alike:
            if not group.is_next or group.key.service != name or group.is_held:
                continue
            identity = fingerprint(group.spec)
            found |= {
                each.current.key
                for each in (ahead.containers if ahead else ())
                if each.fills_slot(group.record, identity)
            }
    return len(found)


def revision_bodies(view: ProjectView) -> Iterator[dict[str, Any]]:
    """The project's revisions, oldest first."""
    return (_noted_body(view, note) for note in view.record.history)


def noted_revision(view: ProjectView, number: int) -> RevisionNote:
    """One line of the project's history. Raises NotFound: it doesn't have it."""
    for note in view.record.history:
        if note.number == number:
            return note
    raise NoRevision(view.record.name, number)


def revision_body(view: ProjectView, note: RevisionNote, kept: RevisionRecord) -> Mapping[str, Any]:
    """One revision with its template."""
    hidden = dict.fromkeys(kept.environment.keys() & set(kept.hidden_variables), HIDDEN)
    return {
        **_noted_body(view, note),
        "template": kept.shown_template or kept.template,
        "environment": {**kept.environment, **hidden},
    }


def _noted_body(view: ProjectView, note: RevisionNote) -> dict[str, Any]:
    of = {"of_revision": note.of_revision} if note.of_revision else {}
    return {
        "number": note.number,
        "version": note.version,
        "description": note.description,
        "created": note.created,
        "outcome": note.outcome,
        "current": note.number == view.record.revision,
        **of,
    }
