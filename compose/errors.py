"""What goes wrong with a template, and where."""

from schemas.errors import InvalidInput

#: Longer pieces of a template are cut in messages: an error must stay readable.
_SHOWN_MAX = 60


class TemplateError(InvalidInput):
    """A template can't be used. `where` is a path in it; YAML errors have a position instead."""

    def __init__(
        self, message: str, *, where: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        position = f"line {line}, column {column}: " if line is not None else ""
        super().__init__(f"{position}{message}", where=where)
        self.line = line
        self.column = column


def below(where: str, key: str | int) -> str:
    """The path of a key or an item under `where`, such as `services.web.ports[1]`."""
    if isinstance(key, int):
        return f"{where}[{key}]"
    key = clipped(key)
    return f"{where}.{key}" if where else key


def clipped(text: str) -> str:
    """The text, cut to what a message can bear."""
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 3]}..."


def shown(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    return clipped(repr(value)) if isinstance(value, str) else clipped(str(value))
