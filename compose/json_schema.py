"""Checks a value against a published JSON Schema, in one pass and with a path.

The part of draft 4 to 7 that Compose's schemas use, read as kindly as Compose's own tools do: after
interpolation every number may be text, so scalars stand for each other where they can; a null is a
key that isn't there; `oneOf` is any of. Formats are the readers' business.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from compose.errors import TemplateError, below, shown
from compose.tree import Tree, boolean, hint, is_extension, number

#: One schema, as it stands in the published file.
Node = Mapping[str, Any]

_WORDS = {
    "string": "a string",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a value isn't what the schema says, and why. Of several the deepest tells most."""

    where: str
    message: str
    depth: int


class JsonSchema:
    """A document whose parts refer to each other."""

    def __init__(self, document: Node) -> None:
        self._document = document

    def has_part(self, name: str) -> bool:
        """Whether there is such a definition: the first versions know no secrets."""
        return name in self._document["definitions"]

    def part(self, name: str) -> Node:
        """One of the document's definitions."""
        found: Node = self._document["definitions"][name]
        return found

    def fault(self, value: Tree, node: Node, where: str, depth: int = 0) -> Fault | None:
        """What is wrong with the value, if anything."""
        while "$ref" in node:
            node = self._referred(node["$ref"])
        if value is None:
            return None
        found = (
            self._type_fault(value, node, where, depth)
            or self._choice_fault(value, node, where, depth)
            or _scalar_fault(value, node, where, depth)
        )
        if found is None and isinstance(value, dict):
            found = self._mapping_fault(value, node, where, depth)
        if found is None and isinstance(value, list):
            found = self._list_fault(value, node, where, depth)
        return found

    def _referred(self, reference: str) -> Node:
        # "#/definitions/x", or "x.json#/definitions/x" of this very document.
        found: Node = self._document
        for step in reference.partition("#/")[2].split("/"):
            found = found[step]
        return found

    def _type_fault(self, value: Tree, node: Node, where: str, depth: int) -> Fault | None:
        types = node.get("type")
        if types is None:
            return None
        names = [types] if isinstance(types, str) else list(types)
        if any(_is(value, name) for name in names):
            return None
        wanted = " or ".join(_WORDS[name] for name in names if name != "null")
        return Fault(where, f"must be {wanted}, not {shown(value)}", depth)

    def _choice_fault(self, value: Tree, node: Node, where: str, depth: int) -> Fault | None:
        for key in ("oneOf", "anyOf"):
            faults: list[Fault] = []
            for choice in node.get(key, ()):
                fault = self.fault(value, choice, where, depth)
                if fault is None:
                    break
                faults.append(fault)
            else:
                if faults:
                    return _most_telling(faults)
        return None

    def _mapping_fault(
        self, value: dict[str, Tree], node: Node, where: str, depth: int
    ) -> Fault | None:
        known: Node = node.get("properties", {})
        patterns: Node = node.get("patternProperties", {})
        others = node.get("additionalProperties", True)
        for key, item in value.items():
            at = below(where, key)
            nodes = [known[key]] if key in known else []
            nodes += [one for pattern, one in patterns.items() if _pattern(pattern).search(key)]
            if not nodes and not is_extension(key) and item is not None:
                if others is False:
                    message = f"unknown or not supported{hint(key, known)}"
                    return Fault(at, message, depth + 1)
                nodes = [others] if isinstance(others, dict) else []
            for one in nodes:
                if (fault := self.fault(item, one, at, depth + 1)) is not None:
                    return fault
        for key in node.get("required", ()):
            if value.get(key) is None:
                return Fault(where, f"needs {key}", depth)
        return None

    def _list_fault(self, value: list[Tree], node: Node, where: str, depth: int) -> Fault | None:
        items = node.get("items")
        if isinstance(items, dict):
            for index, item in enumerate(value):
                fault = self.fault(item, items, below(where, index), depth + 1)
                if fault is not None:
                    return fault
        return None


def _is(value: Tree, name: str) -> bool:
    if isinstance(value, dict | list):
        return name == ("object" if isinstance(value, dict) else "array")
    match name:
        case "string":
            return True
        case "boolean":
            return _reads(boolean, value)
        case "number" | "integer":
            return _reads(number, value)
    return False


def _reads(reader: Any, value: Tree) -> bool:
    try:
        if reader is number:
            reader(value, "", minimum=float("-inf"))
        else:
            reader(value, "")
    except TemplateError:
        return False
    return True


def _scalar_fault(value: Tree, node: Node, where: str, depth: int) -> Fault | None:
    if isinstance(value, dict | list):
        return None
    if "enum" in node and value not in node["enum"]:
        known = ", ".join(str(word) for word in node["enum"])
        return Fault(where, f"must be one of {known}, not {shown(value)}", depth)
    # Numbers that came as text have no order here; their readers know the bounds too.
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in node and value < node["minimum"]:
            return Fault(where, f"must be at least {node['minimum']}, not {shown(value)}", depth)
        if "maximum" in node and value > node["maximum"]:
            return Fault(where, f"must be at most {node['maximum']}, not {shown(value)}", depth)
    if isinstance(value, str) and "pattern" in node and not _pattern(node["pattern"]).search(value):
        return Fault(where, f"{shown(value)} does not have the form that it must have", depth)
    return None


@lru_cache(maxsize=256)
def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(written)


def _most_telling(faults: list[Fault]) -> Fault:
    deepest = max(fault.depth for fault in faults)
    told = [fault for fault in faults if fault.depth == deepest]
    messages = list(dict.fromkeys(fault.message for fault in told))
    if len(messages) == 1 or len({fault.where for fault in told}) > 1:
        return told[0]
    # "must be a string, not x" and "must be a list, not x" are one sentence.
    words = [message.removeprefix("must be ").partition(", not ") for message in messages]
    wanted = " or ".join(dict.fromkeys(word for word, _, _ in words if word))
    return Fault(told[0].where, f"must be {wanted}, not {words[0][2]}", deepest)
