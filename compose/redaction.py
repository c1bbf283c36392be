"""A template's text as it may be shown: every inline secret is `"***"`, all else is as it was.

And back again: what was shown may be sent, with the secrets that are kept.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from compose.errors import TemplateError, below
from compose.parse import LOADER, parse
from compose.tree import Tree, is_extension

HIDDEN = "***"
_SECTION = "secrets"
_KEY = "content"
_BOM = "\ufeff"
#: The root, the section and the entry.
_LEVELS = 3


def shown_text(text: str, top: Mapping[str, Tree]) -> str:
    """The text without its secrets; empty if it has none. `top` is what it was parsed to.

    Raises:
        TemplateError: a secret that stands elsewhere than in its own place.
    """
    secrets = top.get(_SECTION)
    inline = dict[str, dict[str, Tree]]()
    for name, entry in secrets.items() if isinstance(secrets, dict) else ():
        if isinstance(entry, dict) and not is_extension(name) and entry.get(_KEY) is not None:
            inline[name] = entry
    if not isinstance(secrets, dict) or not inline:
        return ""
    body = text.removeprefix(_BOM)
    spans = {span.name: span for span in _spans(body)}
    parts: list[str] = []
    at = 0
    for name in sorted(inline, key=lambda name: spans[name].start if name in spans else -1):
        if name not in spans:
            raise _misplaced(name)
        span = spans[name]
        parts += [body[at : span.start], span.replacement(body)]
        at = span.end
    result = text[: len(text) - len(body)] + "".join((*parts, body[at:]))
    hidden = {name: {**entry, _KEY: HIDDEN} for name, entry in inline.items()}
    if not _is(result, {**top, _SECTION: {**secrets, **hidden}}):
        raise _misplaced(next(iter(inline)))
    return result


def with_kept_secrets(text: str, kept: str) -> str:
    """The text with the secrets of a template that is kept, where it has what is shown instead.

    So a template that was read back can be changed and sent again. `kept`: empty, if there is none.

    Raises:
        TemplateError: it is no template, or the kept one has no such secret.
    """
    if HIDDEN not in text:
        return text
    secrets = _inline(parse(text))
    asked = [name for name, content in secrets.items() if content == HIDDEN]
    if not asked:
        return text
    known = _inline(parse(kept)) if kept else {}
    body = text.removeprefix(_BOM)
    spans = {span.name: span for span in _spans(body)}
    parts: list[str] = []
    at = 0
    for name in sorted(asked, key=lambda name: spans[name].start if name in spans else -1):
        if name not in spans:
            raise _misplaced(name)
        if name not in known:
            raise TemplateError(
                f"{HIDDEN} is shown in place of a secret, and none of this name is known: write "
                "the secret itself",
                where=below(_SECTION, name),
            )
        span = spans[name]
        quoted = yaml.safe_dump(known[name], default_style='"', width=math.inf).rstrip("\n")
        parts += [body[at : span.start], span.replacement(body, quoted)]
        at = span.end
    return text[: len(text) - len(body)] + "".join((*parts, body[at:]))


def _inline(top: Mapping[str, Tree]) -> dict[str, Tree]:
    """The secrets that stand in the template, as written."""
    secrets = top.get(_SECTION)
    return {
        name: entry[_KEY]
        for name, entry in (secrets.items() if isinstance(secrets, dict) else ())
        if isinstance(entry, dict) and not is_extension(name) and entry.get(_KEY) is not None
    }


def _is(text: str, wanted: Mapping[str, Tree]) -> bool:
    # The proof that the right characters are gone, and only these.
    try:
        return parse(text) == wanted
    except TemplateError:
        return False


def _misplaced(name: str) -> TemplateError:
    return TemplateError(
        "a secret is written in its own place, in quotes or after |, without anchor, alias or <<: "
        "it could not be hidden otherwise; environment with a variable's name works everywhere",
        where=below(_SECTION, name),
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """The characters of one secret, from its tag or header to its end."""

    name: str
    start: int
    end: int
    #: a block scalar, which ends with its line
    is_block: bool

    def replacement(self, text: str, quoted: str = f'"{HIDDEN}"') -> str:
        written = text[self.start : self.end]
        newline = written[len(written.rstrip("\r\n")) :][:2] if self.is_block else ""
        return quoted + ("\r\n" if newline == "\r\n" else newline[:1])


@dataclass(slots=True)
class _Frame:
    is_map: bool
    has_anchor: bool
    #: of a map: the key whose value comes next
    key: str = ""


def _spans(text: str) -> Iterator[_Span]:
    """Where the secrets are that nothing else can refer to. The text is a valid template."""
    frames: list[_Frame] = []
    for event in yaml.parse(text, Loader=LOADER):
        match event:
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                is_map = isinstance(event, yaml.MappingStartEvent)
                frames.append(_Frame(is_map, event.anchor is not None))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                frames.pop()
                _value_done(frames)
            case yaml.ScalarEvent():
                if frames and frames[-1].is_map and not frames[-1].key:
                    frames[-1].key = event.value
                    if _is_merge(frames):
                        # What it brings and another key replaces would stay in the text.
                        raise _misplaced("<<")
                    continue
                if _is_secret(frames) and event.anchor is None:
                    yield _span(frames[1].key, event)
                _value_done(frames)
            case yaml.AliasEvent():
                _value_done(frames)


def _value_done(frames: list[_Frame]) -> None:
    if frames:
        frames[-1].key = ""


def _is_merge(frames: list[_Frame]) -> bool:
    """Whether secrets may come from elsewhere: a merge on the way to them."""
    is_on_the_way = len(frames) == 1 or (len(frames) <= _LEVELS and frames[0].key == _SECTION)
    return is_on_the_way and frames[-1].key == "<<"


def _is_secret(frames: list[_Frame]) -> bool:
    return (
        len(frames) == _LEVELS
        and all(frame.is_map for frame in frames)
        and not any(frame.has_anchor for frame in frames)
        and (frames[0].key, frames[2].key) == (_SECTION, _KEY)
    )


def _span(name: str, event: Any) -> _Span:
    return _Span(name, event.start_mark.index, event.end_mark.index, event.style in {"|", ">"})
