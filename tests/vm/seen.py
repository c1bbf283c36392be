"""`Seen`: what was measured, for people to read. Nothing is decided by it."""

from pathlib import Path


class Seen:
    """Lines in the order in which they were told, on the screen at the end and in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []

    def tell(self, what: str, value: object) -> None:
        self.lines.append(f"{what:<66} {value}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(f"{line}\n" for line in self.lines))
