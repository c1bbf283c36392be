"""How a project stands, as far as a person who waits wants to know: made from the API's views.

Pure. Views come from a server that may be newer or older than this program, so every field may be
missing, and texts are made printable where they enter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.printable import printable

#: of one container: what is worth reading when something has failed
LOG_LINES_MAX = 20


@dataclass(frozen=True, slots=True)
class ServicePicture:
    """One service: how many containers it should have, and what they are at."""

    id: str
    name: str
    state: str
    desired: str
    #: None: one on every node that it may run on
    wanted: int | None
    running: int
    healthy: int
    #: containers that a release has replaced, and how many it will
    updated: tuple[int, int] | None = None
    reasons: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether nothing is awaited of it, as far as its numbers tell."""
        is_whole = self.wanted is None or self.wanted == self.running == self.healthy
        return self.state == self.desired and (self.state != "running" or is_whole)


@dataclass(frozen=True, slots=True)
class Release:
    """An update under way, or the last one with its `outcome`."""

    kind: str
    version: str
    message: str
    state: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is shown of one moment."""

    services: tuple[ServicePicture, ...] = ()
    reasons: tuple[str, ...] = ()
    release: Release | None = None


def picture(view: Mapping[str, Any], only: Iterable[str] = ()) -> Picture:
    """A project's view; `only` names the services that matter, none: all of them."""
    names = set(only)
    released = mapping(mapping(view.get("release")).get("services"))
    services = tuple(
        _service(each, mapping(released.get(each.get("name"))))
        for each in view.get("services") or ()
        if not names or each.get("name") in names
    )
    # A project's reasons are those of its services, and some of its own.
    of_services = {f"{each.name}: {reason}" for each in services for reason in each.reasons}
    own = () if names else texts(view.get("reasons"))
    reasons = tuple(reason for reason in own if reason not in of_services)
    return Picture(services, reasons, release(view.get("release")))


def release(view: object) -> Release | None:
    """What a view says of an update; None when there is none."""
    if not isinstance(view, Mapping):
        return None
    fields = ("kind", "version", "message", "state", "outcome")
    return Release(*(printable(str(view.get(field) or "")) for field in fields))


def reasons(shown: Picture) -> tuple[str, ...]:
    """Everything that stands in the way, each thing once."""
    told = (f"{each.name}: {reason}" for each in shown.services for reason in each.reasons)
    return tuple(dict.fromkeys((*told, *shown.reasons)))


def log_tails(view: Mapping[str, Any], only: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """The last log lines of containers that don't run or aren't healthy, by container name."""
    names = set(only)
    return {
        container_name(each): texts(each.get("log_tail"))[-LOG_LINES_MAX:]
        for service in view.get("services") or ()
        if not names or service.get("name") in names
        for each in mapping(service.get("containers")).values()
        if each.get("log_tail") and not (each.get("running") and each.get("health") == "success")
    }


def container_name(view: Mapping[str, Any]) -> str:
    """Without the slash that Docker shows in front of it."""
    return printable(str(view.get("name", ""))).lstrip("/")


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a mapping, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> tuple[str, ...]:
    """The printable texts of a list, otherwise none."""
    return tuple(printable(str(each)) for each in value) if isinstance(value, list) else ()


def _service(view: Mapping[str, Any], released: Mapping[str, Any]) -> ServicePicture:
    containers = list(mapping(view.get("containers")).values())
    running = [each for each in containers if each.get("running")]
    desired = str(view.get("desired_state", ""))
    total = released.get("total")
    return ServicePicture(
        id=printable(str(view.get("id", ""))),
        name=printable(str(view.get("name", ""))),
        state=printable(str(view.get("current_state", ""))),
        desired=printable(desired),
        wanted=_wanted(mapping(view.get("extensions"))) if desired == "running" else 0,
        running=len(running),
        healthy=sum(each.get("health") == "success" for each in running),
        updated=(int(released.get("updated") or 0), int(total)) if total else None,
        reasons=texts(view.get("reasons")),
    )


def _wanted(extensions: Mapping[str, Any]) -> int | None:
    scale = extensions.get("scale")
    return scale if isinstance(scale, int) and not extensions.get("global") else None
