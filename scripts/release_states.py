"""The states of releases as diagrams, made from the coordinator's table."""

from coordinator.releases.table import TABLE, Intent
from schemas.release import ReleaseKind, ReleaseState

BEGIN, END = "<!-- states: written by make schemas -->", "<!-- end of states -->"

_TITLES = {
    ReleaseKind.STANDARD: "A standard update, all at once or batch by batch:",
    ReleaseKind.BLUE_GREEN: "A blue-green update:",
}


def with_states(page: str) -> str:
    """The page with the diagrams between their marks. Raises ValueError: it has no marks."""
    before, found, rest = page.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{diagrams()}\n{END}{after}"


def diagrams() -> str:
    """One for each kind of release."""
    return "\n".join(f"{_TITLES[kind]}\n\n{_diagram(kind)}" for kind in ReleaseKind)


def _diagram(kind: ReleaseKind) -> str:
    lines = [f"    [*] --> {ReleaseState.PULLING}"]
    for (of, state, signal), (then, intents) in TABLE.items():
        if of is kind:
            lines.append(f"    {state} --> {then} : {signal}{_done(intents)}")
    lines += [f"    {end} --> [*]" for end in (ReleaseState.COMPLETED, ReleaseState.ROLLED_BACK)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def _done(intents: tuple[Intent, ...]) -> str:
    return f" ({', '.join(intents)})" if intents else ""
