r"""Regular expressions that can't hang: matching takes time proportional to pattern x text.

Templates have these patterns, and the scheduler runs them inside the coordinator's event loop,
where one catastrophic pattern for Python's backtracking `re` would stop the whole cluster. So the
small language that scheduling expressions need is run as an automaton instead, as Go's engine does:

    literals  .  [a-z] [^a-z]  \d \D \w \W \s \S  \punctuation  ( ) (?: )  |  * + ?  ^ $

`$` means the very end. What is not in this list is refused with a reason, never guessed at: by the
template's compiler, which reads patterns with the very function that the scheduler uses.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from schemas.errors import InvalidInput

#: Longer patterns are refused; real ones are a few words long.
PATTERN_LENGTH_MAX = 256
#: Only so many characters of a text are looked at; names and labels are shorter.
TEXT_LENGTH_MAX = 1024
#: Groups inside groups; keeps the recursive parser far from Python's own limit.
_DEPTH_MAX = 20
#: Remembered steps per pattern. Forgetting them all costs time, never correctness.
_STEPS_MAX = 8192

_METACHARACTERS = frozenset(".*+?()[]{}|\\^$")

_Accepts = Callable[[str], bool]
_Steps = dict[tuple[frozenset[int], str], frozenset[int]]


class UnusablePattern(InvalidInput):
    """The text is no pattern of this language."""


@dataclass(slots=True)
class _Node:
    """One state of the automaton. `kind`: char, split, start, end or match."""

    kind: str
    accepts: _Accepts | None = None
    out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. It finds itself anywhere in a text, unless `^` and `$` say otherwise."""

    _nodes: tuple[_Node, ...]
    _start: int
    #: what was learnt about earlier texts; changes how fast the answer comes, never the answer
    _steps: _Steps

    def search(self, text: str) -> bool:
        """Whether the pattern occurs in the text."""
        nodes = self._closure((self._start,), at_start=True)
        fresh = self._closure((self._start,), at_start=False)
        for character in text[:TEXT_LENGTH_MAX]:
            if self._is_found(nodes):
                return True
            step = (nodes, character)
            following = self._steps.get(step)
            if following is None:
                following = self._advance(nodes, character) | fresh
                if len(self._steps) >= _STEPS_MAX:
                    self._steps.clear()
                self._steps[step] = following
            nodes = following
        return self._is_found(self._closure(nodes, at_end=True, at_start=not text))

    def _is_found(self, nodes: frozenset[int]) -> bool:
        # The matching state is always the first one made.
        return 0 in nodes

    def _advance(self, nodes: frozenset[int], character: str) -> frozenset[int]:
        reached = [
            following
            for index in nodes
            if (accepts := self._nodes[index].accepts) is not None and accepts(character)
            for following in self._nodes[index].out
        ]
        return self._closure(reached)

    def _closure(
        self, nodes: Iterable[int], *, at_start: bool = False, at_end: bool = False
    ) -> frozenset[int]:
        """Every state that is reached without reading a character."""
        waiting = list(nodes)
        seen: set[int] = set()
        while waiting:
            index = waiting.pop()
            if index in seen:
                continue
            seen.add(index)
            node = self._nodes[index]
            is_open = (
                node.kind == "split"
                or (node.kind == "start" and at_start)
                or (node.kind == "end" and at_end)
            )
            if is_open:
                waiting.extend(node.out)
        return frozenset(seen)


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """Read a pattern.

    Raises:
        UnusablePattern: it is too long, or not of this language; the message says why.

    """
    if len(text) > PATTERN_LENGTH_MAX:
        raise UnusablePattern(f"longer than {PATTERN_LENGTH_MAX} characters")
    parser = _Parser(text)
    start = parser.parse()
    return Pattern(tuple(parser.nodes), start, {})


def value_pattern(value: str) -> Pattern | None:
    """What the value of a scheduling expression looks for; None: the very same text.

    A value between slashes is a regular expression that may match anywhere. Any other is matched as
    a whole, `*` stands for anything, and the other metacharacters stay alive, as in classic Swarm.

    Raises:
        UnusablePattern: it is too long, or not of this language; the message says why.

    """
    if len(value) > 1 and value[0] == value[-1] == "/":
        return compile_pattern(value[1:-1])
    if _METACHARACTERS.isdisjoint(value):
        return None
    return compile_pattern(f"^{value.replace('*', '.*')}$")


#: A piece of the pattern: given the state that follows it, makes its states, returns the first.
_Piece = Callable[[int], int]


class _Parser:
    """Recursive descent: alternatives of sequences of repeated atoms."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.nodes: list[_Node] = [_Node("match")]

    def parse(self) -> int:
        piece = self._alternatives()
        if self._at < len(self._text):
            raise UnusablePattern("unbalanced )")
        return piece(0)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._peek()
        self._at += 1
        return character

    def _add(self, node: _Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _alternatives(self) -> _Piece:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._take()
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        return lambda out: self._add(_Node("split", out=tuple(b(out) for b in branches)))

    def _sequence(self) -> _Piece:
        pieces: list[_Piece] = []
        while self._peek() not in {"", "|", ")"}:
            pieces.append(self._repeated())

        def build(out: int) -> int:
            for piece in reversed(pieces):
                out = piece(out)
            return out

        return build

    def _repeated(self) -> _Piece:
        piece = self._atom()
        if (sign := self._peek()) and sign in "*+?":
            self._take()
            if self._peek() == "?":
                # Lazy or greedy decides what is captured, not whether there is a match.
                self._take()
            if (again := self._peek()) and again in "*+?":
                raise UnusablePattern(f"nothing to repeat before {again}")
            piece = self._repeat(piece, sign)
        return piece

    def _repeat(self, piece: _Piece, sign: str) -> _Piece:
        def build(out: int) -> int:
            split = self._add(_Node("split"))
            first = piece(out if sign == "?" else split)
            self.nodes[split].out = (first, out)
            return first if sign == "+" else split

        return build

    def _atom(self) -> _Piece:
        character = self._take()
        if character == "(":
            return self._group()
        if character in "*+?":
            raise UnusablePattern(f"nothing to repeat before {character}")
        if character in "{}":
            raise UnusablePattern("counted repetition is not supported")
        if character in "^$":
            kind = "start" if character == "^" else "end"
            return lambda out: self._add(_Node(kind, out=(out,)))
        accepts = self._accepted(character)
        return lambda out: self._add(_Node("char", accepts, (out,)))

    def _accepted(self, character: str) -> _Accepts:
        if character == ".":
            return lambda c: c != "\n"
        if character == "[":
            return self._class()
        if character == "\\":
            return _escaped(self._take())
        return character.__eq__

    def _group(self) -> _Piece:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise UnusablePattern(f"more than {_DEPTH_MAX} groups inside each other")
        if self._peek() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise UnusablePattern("groups with (? are not supported")
            self._at += 2
        piece = self._alternatives()
        if self._take() != ")":
            raise UnusablePattern("unbalanced (")
        self._depth -= 1
        return piece

    def _class(self) -> _Accepts:
        is_negated = self._peek() == "^"
        if is_negated:
            self._take()
        accepted: list[_Accepts] = []
        while (character := self._take()) != "]" or not accepted:
            if not character:
                raise UnusablePattern("unbalanced [")
            if character == "\\":
                accepted.append(_escaped(self._take()))
            elif self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in {"", "]"}:
                self._take()
                accepted.append(_between(character, self._take()))
            else:
                accepted.append(character.__eq__)
        return lambda c: any(accepts(c) for accepts in accepted) != is_negated


def _between(low: str, high: str) -> _Accepts:
    if high == "\\" or high < low:
        raise UnusablePattern(f"bad range {low}-{high}")
    return lambda c: low <= c <= high


def _escaped(character: str) -> _Accepts:
    """What a backslash and this character stand for. ASCII only, as in Go."""
    classes: dict[str, _Accepts] = {
        "d": lambda c: c.isascii() and c.isdigit(),
        "w": lambda c: c.isascii() and (c.isalnum() or c == "_"),
        "s": lambda c: c in "\t\n\f\r ",
    }
    if not character:
        raise UnusablePattern("ends with a backslash")
    if (accepts := classes.get(character)) is not None:
        return accepts
    if (accepts := classes.get(character.lower())) is not None:
        return lambda c: not accepts(c)
    if character.isascii() and character.isalnum():
        raise UnusablePattern(f"\\{character} is not supported")
    return character.__eq__
