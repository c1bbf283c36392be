"""Make a fake fail, wait or behave: what every scripted fake shares."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from agent.errors import EngineUnavailable
from schemas.states import Health


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What containers of one image do."""

    #: exits with this code as soon as it is started; None: it goes on running
    exits_with: int | None = None
    #: how long it takes to obey a signal; None: it ignores all but KILL
    stops_after_s: float | None = 0.0
    #: what it prints when it is started
    prints: str = ""
    #: the health it shows after a start
    health: Health = Health.NONE


@dataclass(slots=True)
class Gate:
    """Where calls of one verb wait until a test opens it."""

    #: how the subjects of the calls that wait begin
    subject: str = ""
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)


class Script:
    """What the next calls do; by default they succeed."""

    def __init__(self) -> None:
        #: (verb, subject) of every call with a subject, in the order they were begun
        self.calls: list[tuple[str, str]] = []
        self.is_down = False
        self._failures: dict[str, list[Exception]] = defaultdict(list)
        self._gates: dict[str, Gate] = {}

    def fail(self, verb: str, error: Exception, times: int = 1) -> None:
        """Make the next `times` calls of `verb` raise."""
        self._failures[verb].extend([error] * times)

    def hold(self, verb: str, subject: str = "") -> Gate:
        """Make calls of `verb` wait, where their subject begins so, until they are released."""
        self._gates[verb] = Gate(subject)
        return self._gates[verb]

    def release(self, verb: str) -> None:
        self._gates.pop(verb).opened.set()

    def called(self, verb: str) -> list[str]:
        return [subject for called, subject in self.calls if called == verb]

    async def begin(self, verb: str, subject: str) -> None:
        if subject:
            self.calls.append((verb, subject))
        gate = self._gates.get(verb)
        if gate and subject.startswith(gate.subject):
            gate.reached.set()
            await gate.opened.wait()
        else:
            await asyncio.sleep(0)
        if self._failures[verb]:
            raise self._failures[verb].pop(0)
        if self.is_down:
            raise EngineUnavailable("the engine is down")
