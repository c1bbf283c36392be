"""Answers as their readers see them."""

import asyncio
import json
from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeVar

from coordinator.errors import NotFound
from coordinator.ports import Answer
from coordinator.views.queries import Queries
from coordinator.views.rollup import NodePicture, ProjectView
from coordinator.views.routing import routing_body
from coordinator.views.volumes import VolumeView
from schemas.query import AnyQuery
from schemas.release import RevisionNote
from schemas.revision import RevisionRecord

Made = TypeVar("Made")


def answer(
    query: AnyQuery,
    projects: Mapping[str, ProjectView],
    nodes: Sequence[NodePicture],
    volumes: Mapping[str, VolumeView] | None = None,
    *,
    default_domain: str = "",
) -> Any:
    """What a coordinator that knows this answers. Raises as it does."""
    queries = Queries(
        *(lambda: projects, lambda: nodes, lambda: volumes or {}, no_revision, no_routing),
        default_domain=default_domain,
    )
    return parsed(asyncio.run(queries.ask(query)))


async def no_revision(project: str, note: RevisionNote) -> RevisionRecord:
    """Of a coordinator that has kept none."""
    raise NotFound(f"revision of project {project}", f"r{note.number}")


def no_routing(view: ProjectView) -> dict[str, Any]:
    """Of a coordinator that has none."""
    return routing_body(view, None, {})


def parsed(answer: Answer) -> Any:
    """The body's JSON."""
    return json.loads(b"".join(answer.pieces))


def finished(work: Generator[None, None, Made]) -> Made:
    """What work makes that is never interrupted."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            made: Made = done.value
            return made
