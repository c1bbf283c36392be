"""A tree as YAML that `compose.parse` reads as the same tree. Pure."""

from collections.abc import Mapping
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes every value where it stands, and long texts in blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.isprintable():
        # Only in these quotes is every character written so that all readers know it.
        style = "|" if "\n" in text and _is_block(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_block(text: str) -> bool:
    """Whether a block says the same: its indentation is told by its first line."""
    return (
        text[0] not in " \n"
        and not any(line.endswith(" ") for line in text.split("\n"))
        and text.replace("\n", "").isprintable()
    )


_Dumper.add_representer(str, _text)


def written(tree: Mapping[str, Any]) -> str:
    """The tree in its own order; its texts stay texts, and its numbers numbers."""
    return yaml.dump(
        dict(tree),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=2**20,
    )
