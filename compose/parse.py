"""YAML text to a tree of plain values.

Bounded in text, depth and size: aliases are counted as often as they are used, so that a small
text can't stand for a large tree. Nothing but maps, lists and scalars is ever built.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

from compose.errors import TemplateError, clipped
from compose.limits import (
    DEPTH_MAX,
    EXPANDED_CHARS_MAX,
    ITEMS_MAX,
    NODES_MAX,
    TEXT_BYTES_MAX,
)
from compose.merge import Override, Reset
from compose.scalars import plain_scalar
from compose.tree import Tree

#: libyaml's parser is some fifteen times faster than the one in Python, and in every wheel.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_RESET, _OVERRIDE = "!reset", "!override"


def parse(text: str) -> dict[str, Tree]:
    """The template's top level.

    Raises:
        TemplateError: with line and column where it is no YAML or not the YAML of a template.
    """
    documents = _documents(text, _Builder())
    if not documents:
        raise TemplateError("the template is empty")
    return documents[0]


def parse_layers(text: str) -> list[dict[str, Any]]:
    """The documents of a file, to be laid over each other: with `Reset` and `Override` in them.

    Raises:
        TemplateError: as `parse` does, but for several documents and for these two tags.
    """
    return _documents(text, _Builder(takes_layers=True))


def _documents(text: str, builder: "_Builder") -> list[dict[str, Tree]]:
    _check_text(text)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"not valid YAML: {error.problem or error.context}"
        raise _at(mark, message) from error
    except yaml.YAMLError as error:
        raise TemplateError("not valid YAML: it has characters that no text has") from error
    found = [root for root in (*builder.earlier, builder.root) if root is not None]
    documents = [root for root in found if isinstance(root, dict)]
    if len(documents) != len(found):
        raise TemplateError("the template must be a mapping", line=1, column=1)
    return documents


def _check_text(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise TemplateError("the template has characters that no text has") from error
    if size > TEXT_BYTES_MAX:
        raise TemplateError(f"the template has {size} bytes; at most {TEXT_BYTES_MAX} are allowed")


def _at(mark: Any, message: str) -> TemplateError:
    if mark is None:
        return TemplateError(message)
    return TemplateError(message, line=mark.line + 1, column=mark.column + 1)


@dataclass(slots=True)
class _Frame:
    """A map or list that is being read."""

    node: dict[str, Tree] | list[Tree]
    anchor: str | None
    #: `!reset` or `!override`, or nothing
    mark: str
    #: what the tree measured before it
    nodes_before: int
    chars_before: int
    #: of a map: the key whose value comes next; no key is empty, so empty is none
    key: str = ""
    #: of a map: whether that key is a merge
    is_merge: bool = False
    #: of a map: the maps that a merge key names, strongest first
    merged: list[dict[str, Tree]] = field(default_factory=list)
    has_merge: bool = False


@dataclass(frozen=True, slots=True)
class _Anchored:
    node: Tree
    nodes: int
    chars: int


class _Builder:
    """Builds the tree from parser events, without recursion."""

    def __init__(self, *, takes_layers: bool = False) -> None:
        self.root: Tree = None
        #: the documents before the last one
        self.earlier: list[Tree] = []
        self._marks = {_RESET, _OVERRIDE} if takes_layers else set[str]()
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._chars = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._open({}, event, "map")
            case yaml.SequenceStartEvent():
                self._open([], event, "seq")
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1 and not self._marks:
                    raise _at(event.start_mark, "a template is one YAML document, not several")
                self.earlier.append(self.root)
                self.root = None
                self._anchors.clear()

    def _measure(self, event: Any, nodes: int, chars: int) -> None:
        self._nodes += nodes
        self._chars += chars
        if self._nodes > NODES_MAX or self._chars > EXPANDED_CHARS_MAX:
            raise _at(event.start_mark, "the template is too large with its aliases expanded")

    def _scalar(self, event: Any) -> None:
        written: str = event.value
        self._measure(event, 1, len(written))
        if "\0" in written:
            raise _at(event.start_mark, "a value can't contain a NUL character")
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.node, dict) and not frame.key:
            self._key(frame, event)
            return
        if event.tag in self._marks:
            value: Tree = _marked(event.tag, _marked_scalar(event))
        else:
            value = _scalar_value(event, is_private=self._is_private())
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, 1, len(written))
        self._place(value, event)

    def _key(self, frame: _Frame, event: Any) -> None:
        written: str = event.value
        is_merge = written == _MERGE and event.implicit[0]
        if not written:
            raise _at(event.start_mark, "a key is empty")
        # A key is what the user wrote: `on`, `yes` and `80` are words here.
        if (is_merge and frame.has_merge) or (not is_merge and written in frame.node):
            raise _at(event.start_mark, f"the key {clipped(written)} is there twice")
        frame.key = written
        frame.is_merge = is_merge
        frame.has_merge = frame.has_merge or is_merge
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(written, 1, len(written))

    def _open(self, node: dict[str, Tree] | list[Tree], event: Any, kind: str) -> None:
        if event.tag not in {None, "!", _TAG + kind, *self._marks}:
            name = "" if self._is_private() else f" {clipped(event.tag)}"
            raise _at(event.start_mark, f"the tag{name} is not allowed")
        self._expect_value(event)
        mark = event.tag if event.tag in self._marks else ""
        if len(self._frames) >= DEPTH_MAX:
            raise _at(event.start_mark, f"nested more than {DEPTH_MAX} levels deep")
        self._frames.append(_Frame(node, event.anchor, mark, self._nodes, self._chars))
        self._measure(event, 1, 0)

    def _close(self, event: Any) -> None:
        frame = self._frames.pop()
        node: Tree = frame.node
        if isinstance(node, dict) and frame.merged:
            whole: dict[str, Tree] = {}
            for source in reversed(frame.merged):
                whole.update(source)
            whole.update(node)
            node = whole
        node = _marked(frame.mark, node)
        if frame.anchor:
            nodes, chars = self._nodes - frame.nodes_before, self._chars - frame.chars_before
            self._anchors[frame.anchor] = _Anchored(node, nodes, chars)
        self._place(node, event)

    def _alias(self, event: Any) -> None:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            # Below `secrets` the name may be a secret that lacks its quotes.
            name = "" if self._is_private() else f" *{clipped(event.anchor)}"
            raise _at(event.start_mark, f"the alias{name} has no anchor before it")
        self._expect_value(event)
        self._measure(event, anchored.nodes, anchored.chars)
        self._place(anchored.node, event)

    def _is_private(self) -> bool:
        return bool(self._frames) and self._frames[0].key == "secrets"

    def _expect_value(self, event: Any) -> None:
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.node, dict) and not frame.key:
            raise _at(event.start_mark, "a key must be plain text")

    def _place(self, value: Tree, event: Any) -> None:
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        if isinstance(frame.node, list):
            frame.node.append(value)
            _check_items(frame, event)
            return
        if frame.is_merge:
            frame.merged = _merge_sources(value, event)
        else:
            frame.node[frame.key] = value
        frame.key = ""
        frame.is_merge = False
        _check_items(frame, event)


def _check_items(frame: _Frame, event: Any) -> None:
    if len(frame.node) > ITEMS_MAX:
        raise _at(event.start_mark, f"a list or a mapping has more than {ITEMS_MAX} entries")


def _merge_sources(value: Tree, event: Any) -> list[dict[str, Tree]]:
    sources = value if isinstance(value, list) else [value]
    found = [source for source in sources if isinstance(source, dict)]
    if len(found) != len(sources):
        raise _at(event.start_mark, "a merge key (<<) takes a mapping or a list of mappings")
    return found


def _marked(mark: str, value: Tree) -> Tree:
    # No `Tree` has marks: `parse_layers` alone lets them through, and says so.
    found: Any = value
    if mark:
        found = Reset() if mark == _RESET else Override(value)
    return found  # type: ignore[no-any-return]


def _marked_scalar(event: Any) -> Tree:
    return plain_scalar(event.value) if event.style in {None, ""} else str(event.value)


def _scalar_value(event: Any, *, is_private: bool) -> Tree:
    tag: str | None = event.tag
    if event.implicit[0] and tag is None:
        return plain_scalar(event.value)
    if event.implicit[1] or tag in {"!", _TAG + "str"}:
        return str(event.value)
    if tag not in {_TAG + kind for kind in ("int", "float", "bool", "null")}:
        name = "" if is_private else f" {clipped(str(tag))}"
        raise _at(event.start_mark, f"the tag{name} is not allowed")
    return plain_scalar(event.value)
