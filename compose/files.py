"""The configs and secrets of one service: where they are in its container, and whose."""

import posixpath
import re
from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from compose.errors import TemplateError, below, clipped, shown
from compose.inline import SECTIONS, Inlines, size_of
from compose.limits import FILES_BYTES_MAX
from compose.nested_keys import FILE_KEYS, allowed
from compose.notes import Notes
from compose.tree import Tree, boolean, sequence, text
from schemas.service import InlineFile

#: Where a relative target is.
_DIRECTORIES = {"configs": "/", "secrets": "/run/secrets"}
#: A secret is its owner's alone; a config is no secret.
_MODES = {"configs": 0o444, "secrets": 0o400}
#: The last number, 2^32 - 1, is the kernel's word for none.
_ID_MAX = 2**32 - 2
_ID = re.compile(r"[0-9]{1,10}")
_OCTAL = re.compile(r"(0o)?([0-7]{1,6})")
#: Linux takes no longer path.
_PATH_MAX = 4095
#: Nobody has more directories in each other, and each is looked at.
_LEVELS_MAX = 64


@dataclass(frozen=True, slots=True)
class FileUse:
    """One config or secret that a service names."""

    section: str
    source: str
    #: absolute
    target: str
    uid: int
    gid: int
    mode: int
    where: str


def file_uses(found: Mapping[str, Tree], where: str) -> tuple[FileUse, ...]:
    """Read `configs` and `secrets` of a service.

    Raises:
        TemplateError: bad syntax, a path that can't be a file's, or one that is there twice.
    """
    uses: dict[str, FileUse] = {}
    for section in SECTIONS:
        at = below(where, section)
        for index, entry in enumerate(sequence(found.get(section, []), at)):
            use = _use(section, entry, below(at, index))
            if use.target in uses:
                raise TemplateError(f"{shown(use.target)} is there already", where=use.where)
            uses[use.target] = use
    if uses and boolean(found.get("read_only", False), below(where, "read_only")):
        raise TemplateError(
            "configs and secrets are files, and can't be written into a read-only container: "
            "leave it out, or pass them in environment",
            where=below(where, "read_only"),
        )
    return tuple(uses.values())


def check_places(uses: Collection[FileUse], mounted: Collection[str]) -> None:
    """Refuse files that a mount or another file would hide; `mounted` are the mounts' targets.

    Raises:
        TemplateError: with the path of the file.
    """
    mounts = {posixpath.normpath("/" + path.lstrip("/")) for path in mounted}
    in_order = sorted(mounts)
    files = {use.target for use in uses}
    for use in uses:
        hiding = next((path for path in (use.target, *_above(use.target)) if path in mounts), None)
        if hiding is not None:
            raise TemplateError(
                f"{shown(use.target)} is on what is mounted at {shown(hiding)}, which would hide "
                "it: choose another target",
                where=use.where,
            )
        below_it = f"{use.target}/"
        at = bisect_left(in_order, below_it)
        has_mount = any(path.startswith(below_it) for path in in_order[at : at + 1])
        if has_mount or files & set(_above(use.target)):
            raise TemplateError(
                f"{shown(use.target)} can't be a file and a directory: choose another target",
                where=use.where,
            )


def inline_files(uses: Collection[FileUse], declared: Inlines) -> tuple[InlineFile, ...]:
    """The files with what is in them.

    Raises:
        TemplateError: a name that nobody declares.
    """
    files: list[InlineFile] = []
    for use in uses:
        one = declared.get((use.section, use.source))
        if one is None:
            raise TemplateError(
                f"{clipped(use.source)} is not declared: add it to the section {use.section}",
                where=use.where,
            )
        files.append(
            InlineFile(
                target=use.target, content=one.content, uid=use.uid, gid=use.gid, mode=use.mode
            )
        )
    return tuple(files)


def check_uses(uses: Collection[FileUse], declared: Inlines, notes: Notes) -> None:
    """Warn of what no service has, and bound all together: each service keeps its own copy.

    Raises:
        TemplateError: the files of all services are too large together.
    """
    used = {(use.section, use.source) for use in uses}
    for key, one in declared.items():
        if key not in used:
            notes.warn("no service has it: it is not made", where=one.where)
    sizes = {key: size_of(declared[key].content, declared[key].where) for key in used}
    room = FILES_BYTES_MAX
    for use in uses:
        room -= sizes[use.section, use.source]
        if room < 0:
            raise TemplateError(
                f"the configs and secrets of all services have more than {FILES_BYTES_MAX} bytes",
                where=use.where,
            )


def target_of(section: str, entry: Tree) -> str:
    """The path that an entry of a service's list would have in its container."""
    name: Tree = entry
    if isinstance(entry, dict):
        name = entry.get("target") or entry.get("source")
    path = posixpath.join(_DIRECTORIES[section], str(name))
    return posixpath.normpath("/" + path.lstrip("/"))


def as_written(section: str, found: Mapping[str, Tree]) -> list[Tree]:
    """A service's list as the API shows it: names, and maps of what Compose knows."""
    return [
        {key: entry[key] for key in FILE_KEYS if key in entry} if isinstance(entry, dict) else entry
        for entry in sequence(found[section], section)
    ]


def _use(section: str, entry: Tree, where: str) -> FileUse:
    if not isinstance(entry, dict):
        entry = {"source": text(entry, where)}
    options = allowed(entry, where, FILE_KEYS)
    if "source" not in options:
        raise TemplateError(f"needs a source: the name of one of the {section}", where=where)
    source = text(options["source"], below(where, "source"))
    at = below(where, "target")
    written = text(options.get("target", source), at)
    target = target_of(section, written)
    if target == "/" or written.endswith("/") or not written:
        raise TemplateError("must be a file's path", where=at)
    is_long = len(target.encode(errors="replace")) > _PATH_MAX or target.count("/") > _LEVELS_MAX
    if is_long or not target.isprintable():
        raise TemplateError(f"{shown(target)} is no path", where=at)
    return FileUse(
        section,
        source,
        target,
        _number(options.get("uid", 0), below(where, "uid")),
        _number(options.get("gid", 0), below(where, "gid")),
        _mode(options.get("mode", _MODES[section]), below(where, "mode")),
        where,
    )


def _number(value: Tree, where: str) -> int:
    written = text(value, where)
    if not _ID.fullmatch(written) or int(written) > _ID_MAX:
        raise TemplateError(
            f"must be a number, not {shown(value)}: only the image knows names", where=where
        )
    return int(written)


def _mode(value: Tree, where: str) -> int:
    """Permission bits. Text is octal, with or without a zero in front."""
    mode = value if isinstance(value, int) and not isinstance(value, bool) else -1
    if isinstance(value, str) and (octal := _OCTAL.fullmatch(value)):
        mode = int(octal[2], 8)
    if not 0 <= mode <= 0o7777:
        raise TemplateError(f"must be octal, such as 0440, not {shown(value)}", where=where)
    return mode


def _above(path: str) -> list[str]:
    """The directories that a path is in, without the root."""
    steps = path.split("/")[1:-1]
    return ["/" + "/".join(steps[: count + 1]) for count in range(len(steps))]
