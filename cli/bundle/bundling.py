"""`bundle`: the only way into this package."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.bundle.anchors import unanchored
from cli.bundle.disk import Disk
from cli.bundle.errors import BundleError, located
from cli.bundle.inlining import Inliner
from cli.bundle.loading import Loader
from cli.bundle.project import Place, place, project_name
from cli.bundle.variables import referenced
from cli.bundle.writing import written
from compose.limits import TEXT_BYTES_MAX
from compose.notes import Notes
from compose.parse import parse
from compose.template import PROJECT_VARIABLE
from compose.tree import is_extension


@dataclass(frozen=True, slots=True)
class Bundle:
    """A project that needs no file any more."""

    name: str
    #: Compose text, variables not substituted
    template: str
    #: the variables that it references, with their values
    environment: dict[str, str]
    warnings: tuple[str, ...]


def bundle(
    files: Sequence[str],
    *,
    name: str = "",
    env_files: Sequence[str] = (),
    env: Sequence[str] = (),
    cwd: Path,
    shell: Mapping[str, str],
) -> Bundle:
    """Read a project's files as Compose does, with everything that they refer to.

    A single file that refers to no other is sent as it is written. `env` are `NAME=value`, or
    `NAME` for one of the shell's; `-` among `files` is standard input.

    Raises:
        UsageError: there is no file, no name, or an option can't be meant.
        BundleError: a file can't be read or used; it names the file and the path in it.
    """
    notes = Notes()
    disk = Disk(cwd)
    found = place(disk, files, env_files, env, cwd=str(cwd), shell=shell, notes=notes)
    shown = disk.shown(found.files[0])
    loader = Loader(disk, shell.get("HOME", "/"), notes)
    named = project_name(name, found, _layers(loader, found), shown, notes)
    environment = {**found.environment, PROJECT_VARIABLE: named}
    whole = loader.load(found.files, found.directory, environment)
    if not whole:
        raise BundleError("the file is empty", where=shown)
    if len(found.files) == 1 and loader.stands_alone(found.files[0], found.directory, environment):
        text = loader.text(found.files[0])
        tree = parse(text)
    else:
        tree = _rewritten(Inliner(disk, environment, shown, notes).inlined(whole), loader, found)
        tree = unanchored(tree)
        text = written(tree)
    _check_size(text, shown)
    with located(shown):
        needed = referenced(tree, environment)
    return Bundle(named, text, needed, notes.warnings())


def _layers(loader: Loader, found: Place) -> Iterator[Mapping[str, Any]]:
    for file in found.files:
        yield from loader.layers(file)


def _rewritten(tree: dict[str, Any], loader: Loader, found: Place) -> dict[str, Any]:
    """The tree in the shape that it has to be sent in.

    Of the first format it stays, which means other things; every other one becomes one of the
    Specification, as which Compose itself reads it.
    """
    if not loader.is_first_format(found.files[0]):
        return {key: value for key, value in tree.items() if key not in {"name", "version"}}
    extra = [key for key in tree if key != "services" and not is_extension(key)]
    if extra:
        raise BundleError(
            f"the first format has no section {extra[0]} for what is mounted or declared: put the "
            "services below services:",
            where=loader.shown(found.files[0]),
        )
    return {**tree["services"], **{key: tree[key] for key in tree if is_extension(key)}}


def _check_size(text: str, shown: str) -> None:
    size = len(text.encode())
    if size > TEXT_BYTES_MAX:
        raise BundleError(
            f"with all that it refers to it has {size} bytes; at most {TEXT_BYTES_MAX} can be sent: "
            "bake large files into the image, or put them on a volume",
            where=shown,
        )
