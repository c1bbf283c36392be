"""How an errand ended, as it travels from the errand to mountd."""

import json
from dataclasses import asdict, dataclass, field
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
    #: sub path -> where it is held, and why it isn't; one of the two is empty
    sub_paths: dict[str, tuple[str, str]] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> "Result":
        """Undo `to_json`. Raises ValueError for anything else."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError("not a result of an errand") from error
