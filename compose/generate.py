"""Writes `docs/compose.md`: python -m compose.generate. Writes: that file."""

from pathlib import Path

from compose.reference import reference

PAGE = Path(__file__).parent.parent / "docs" / "compose.md"


def write(page: Path) -> None:
    """Write the page anew."""
    page.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    write(PAGE)
