"""What goes wrong with the files of this machine, and where."""

from collections.abc import Iterator
from contextlib import contextmanager

from compose.errors import TemplateError
from schemas.errors import InvalidInput


class BundleError(InvalidInput):
    """A Compose file can't be sent. `where` is the file, and the path in it."""


def inside(file: str, where: str) -> str:
    """The path of a key in a file, or the one of both that there is."""
    return f"{file}: {where}" if file and where else file or where


@contextmanager
def located(file: str = "") -> Iterator[None]:
    """Say which file, or what in it, a template's error is about."""
    try:
        yield
    except TemplateError as error:
        raise BundleError(error.message, where=inside(file, error.where)) from error
