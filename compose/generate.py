"""Writes `docs/compose.md`: python -m compose.generate. Writes: that file."""

from pathlib import Path

from compose.reference import reference

PAGE = Path(__file__).parent.parent / "docs" / "compose.md"

if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
