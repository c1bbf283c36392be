"""Writes the contract for readers in other languages: JSON Schema, AsyncAPI and OpenAPI.

python -m schemas.generate            write what has changed
python -m schemas.generate --check    write nothing; exit 1 when something would change
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from schemas import asyncapi, openapi
from schemas.document import Document
from schemas.documents import DOCUMENTS, schema_file

HERE = Path(__file__).parent
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contract() -> dict[str, str]:
    """Every generated file's text, by its path below `schemas/`."""
    files = {f"json/{schema_file(model)}": _printed(_schema(model)) for model in DOCUMENTS}
    files["asyncapi.json"] = _printed(asyncapi.document())
    files["openapi.json"] = _printed(openapi.document())
    return files


def outdated(folder: Path) -> dict[str, str | None]:
    """The files below `folder` that differ from the contract; None for one that must go."""
    wanted = contract()
    present = {path.relative_to(folder).as_posix() for path in folder.glob("json/*")}
    changed: dict[str, str | None] = {
        name: text for name, text in wanted.items() if _read(folder / name) != text
    }
    return changed | dict.fromkeys(present - wanted.keys())


def write(folder: Path, changes: dict[str, str | None]) -> None:
    """Make the files below `folder` those of the contract."""
    for name, text in changes.items():
        path = folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say what would change")
    checking = parser.parse_args(arguments).check
    changes = outdated(HERE)
    for name in sorted(changes):
        print(f"{'outdated' if checking else 'written'}: schemas/{name}")
    if not checking:
        write(HERE, changes)
    return 1 if checking and changes else 0


def _schema(model: type[Document]) -> dict[str, Any]:
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": schema_file(model),
        **model.model_json_schema(by_alias=True),
    }


def _printed(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
