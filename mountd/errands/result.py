"""How an errand ended, as it travels from the errand to mountd."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

Word = Literal["done", "failed", "answered", "silent", "dead"]


@dataclass(frozen=True, slots=True)
class Result:
    """One word, and why."""

    word: Word
    reason: str = ""
    #: the program that serves the mount, where there is one, and when it was started
    pid: int = 0
    started: int = 0
    #: sub path -> where it is held, and why it isn't; one of the two is empty. None: not looked for
    sub_paths: dict[str, tuple[str, str]] | None = None

    def say(self) -> None:
        """Print it, as a line of its own and at once. What is said later counts in its place."""
        print(json.dumps(asdict(self)), flush=True)  # noqa: T201 # it is what mountd hears

    @classmethod
    def last_of(cls, said: bytes) -> "Result | None":
        """The last line that was said to its end; None if there is none, or it isn't a result."""
        lines = said.split(b"\n")[:-1]
        try:
            return cls(**json.loads(lines[-1])) if lines else None
        except (TypeError, ValueError):
            return None
