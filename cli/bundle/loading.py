"""Compose files to one tree: laid over each other, with what they include and extend.

Reads: the files, by a `Disk`. The tree has no `include`, no `extends` and no marks any more, and a
`ClientPath` wherever it names a file of this machine.
"""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cli.bundle.anchors import Origin, anchored
from cli.bundle.disk import STREAM, Disk, Kind
from cli.bundle.dotenv import variables_of
from cli.bundle.errors import BundleError, inside, located
from cli.bundle.variables import literal, localised, reader, substituted
from compose.errors import below, clipped
from compose.extends import extended_service
from compose.limits import TEXT_BYTES_MAX
from compose.merge import Merger, Override, unmarked
from compose.notes import Notes
from compose.parse import parse_layers
from compose.tree import is_extension

#: Files in files: nobody has more than a handful.
DEPTH_MAX = 32
#: What an included file may bring.
_SECTIONS = ("services", "networks", "volumes", "configs", "secrets", "models")
_ENV_FILE = ".env"
#: A longer way from file to file is shown by its end.
_TRAIL_SHOWN = 8


@dataclass(frozen=True, slots=True)
class _Source:
    """A file, and whose paths and variables it has."""

    file: str
    origin: Origin


class Loader:
    """Loads one project's files."""

    def __init__(self, disk: Disk, home: str, notes: Notes) -> None:
        self._disk = disk
        self._home = home
        self._notes = notes
        #: by path; with the variables that they were read with
        self._extended_files: dict[str, tuple[Mapping[str, str], dict[str, Any]]] = {}

    def load(
        self,
        files: Sequence[str],
        directory: str,
        environment: Mapping[str, str],
        chain: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Several files, each laid over those before it. `chain` are those that include them.

        Raises:
            BundleError: a file can't be read or used, or includes or extends itself.
        """
        whole: dict[str, Any] = {}
        merger = _merger(environment)
        for file in files:
            shown = self.shown(file)
            if file in chain or len(chain) >= DEPTH_MAX:
                said = "in a circle" if file in chain else f"more than {DEPTH_MAX} deep"
                trail = " -> ".join(map(self.shown, (*chain, file)[-_TRAIL_SHOWN:]))
                raise BundleError(f"files include each other {said}: {trail}", where=shown)
            source = _Source(file, Origin(shown, directory, self._home, environment))
            for layer in self._layers(source):
                with located(shown):
                    included = self._with_included(layer, source, (*chain, file))
                    own = self._with_extended(included, source)
                    whole = unmarked(merger.laid_over(whole, own, ()))
        return whole

    def shown(self, file: str) -> str:
        """The file as messages show it."""
        return self._disk.shown(file)

    def text(self, file: str) -> str:
        """A file as it is written.

        Raises:
            BundleError: it can't be read.
        """
        return self._disk.text(file, "", bytes_max=TEXT_BYTES_MAX)

    def layers(self, file: str) -> list[dict[str, Any]]:
        """The documents of a file, as they are written.

        Raises:
            BundleError: it can't be read, or is no YAML.
        """
        with located(self.shown(file)):
            return [sectioned(layer) for layer in parse_layers(self.text(file))]

    def is_first_format(self, file: str) -> bool:
        """Whether a file that can be read has its services at the top."""
        with located(self.shown(file)):
            return any(map(is_first_format, parse_layers(self.text(file))))

    def stands_alone(self, file: str, directory: str, environment: Mapping[str, str]) -> bool:
        """Whether a file that can be read refers to no other, and is one document without marks."""
        layers = self.layers(file)
        if len(layers) != 1 or layers[0].get("include") or unmarked(layers[0]) != layers[0]:
            return False
        origin = Origin(self.shown(file), directory, self._home, environment)
        services = layers[0].get("services")
        extended = [
            service.get("extends")
            for service in (services.values() if isinstance(services, dict) else ())
            if isinstance(service, dict)
        ]
        if any(isinstance(extends, dict) and extends.get("file") for extends in extended):
            return False
        return anchored(layers[0], origin) == layers[0]

    def _layers(self, source: _Source) -> list[dict[str, Any]]:
        with located(source.origin.shown):
            return [anchored(layer, source.origin) for layer in self.layers(source.file)]

    def _with_included(
        self, layer: dict[str, Any], source: _Source, chain: tuple[str, ...]
    ) -> dict[str, Any]:
        shown = source.origin.shown
        written = unmarked(layer.get("include"))
        own = {key: value for key, value in layer.items() if key != "include"}
        entries = written if isinstance(written, list) else [written]
        for index, entry in enumerate(entries if written else []):
            where = inside(shown, below("include", index))
            for section, brought in self._included(entry, source.origin, chain, where).items():
                mine = own.get(section) or {}
                mine = mine.value if isinstance(mine, Override) else mine
                if section not in _SECTIONS or not isinstance(brought, dict):
                    continue
                if not isinstance(mine, dict):
                    raise BundleError("must be a mapping", where=inside(shown, section))
                for name, one in brought.items():
                    if name in mine and unmarked(mine[name]) != one:
                        raise BundleError(
                            f"brings {section}.{clipped(name)}, which is there already", where=where
                        )
                own[section] = {**brought, **mine}
        return own

    def _included(
        self, entry: Any, origin: Origin, chain: tuple[str, ...], where: str
    ) -> dict[str, Any]:
        options = entry if isinstance(entry, dict) else {"path": entry}
        paths = [self._local(path, origin, where) for path in _texts(options.get("path"), where)]
        if not paths:
            raise BundleError("needs the path of a file", where=where)
        for path in paths:
            self._check_file(path, where)
        directory = posixpath.dirname(paths[0])
        if (written := options.get("project_directory")) is not None:
            directory = self._local(written, origin, where)
        environment = self._environment(options.get("env_file"), directory, origin, where)
        brought = self.load(paths, directory, environment, chain)
        with located(origin.shown):
            return localised(brought, origin.environment, environment)

    def _environment(
        self, env_file: Any, directory: str, origin: Origin, where: str
    ) -> dict[str, str]:
        """The variables of an included file: those of whom includes it, then its own."""
        if env_file is None:
            path = posixpath.join(directory, _ENV_FILE)
            files = [path] if self._disk.kind(path) is Kind.FILE else []
        else:
            files = [self._local(path, origin, where) for path in _texts(env_file, where)]
            files = [path for path in files if path != "/dev/null"]
        own: dict[str, str] = {}
        for path in files:
            text = self._disk.text(path, where, bytes_max=TEXT_BYTES_MAX)
            with located():
                own |= variables_of(text, origin.environment, self.shown(path), self._notes, own)
        return {**own, **origin.environment}

    def _check_file(self, path: str, where: str) -> None:
        if self._disk.kind(path) is not Kind.FILE:
            raise BundleError(f"{self.shown(path)}: there is no such file", where=where)

    def _local(self, written: Any, origin: Origin, where: str) -> str:
        if not isinstance(written, str) or not written:
            raise BundleError("must be the path of a file", where=where)
        with located(where):
            path = substituted(written, origin.environment)
        if "://" in path or path.startswith(("git@", "oci:")):
            raise BundleError(f"{clipped(path)} is not on this machine: download it", where=where)
        return origin.absolute(path)

    def _with_extended(self, layer: dict[str, Any], source: _Source) -> dict[str, Any]:
        services = layer.get("services")
        if not isinstance(services, dict):
            return layer
        found = {name: self._service(name, services, source, ()) for name in services}
        return {**layer, "services": found}

    def _service(
        self,
        name: str,
        services: Mapping[str, Any],
        source: _Source,
        trail: tuple[tuple[str, str], ...],
    ) -> Any:
        own = services[name]
        extends = unmarked(own.get("extends")) if isinstance(own, dict) else None
        if extends is None:
            return own
        at = below(below("services", name), "extends")
        where = inside(source.origin.shown, at)
        if (source.file, name) in trail or len(trail) >= DEPTH_MAX:
            raise BundleError("services extend each other in a circle", where=where)
        origin = source.origin
        file = extends.get("file") if isinstance(extends, dict) else None
        there, others = source, services
        if file is not None:
            file_at = inside(origin.shown, below(at, "file"))
            path = self._local(file, origin, file_at)
            there, others = self._extended_file(path, origin, file_at)
            extends = {key: value for key, value in extends.items() if key != "file"}
        parent = substituted(extended_service(extends, at), origin.environment, at)
        if parent not in others:
            raise BundleError(
                f"there is no service {clipped(parent)} in {there.origin.shown}", where=where
            )
        before = self._service(parent, others, there, (*trail, (source.file, name)))
        rest = {key: value for key, value in own.items() if key != "extends"}
        return _merger(origin.environment).merged(before, rest, ("services", name))

    def _extended_file(
        self, path: str, origin: Origin, where: str
    ) -> tuple[_Source, Mapping[str, Any]]:
        """Another file's services. What it includes is none of them, as with Compose."""
        shown = self.shown(path)
        there = replace(origin, shown=shown, directory=posixpath.dirname(path))
        source = _Source(path, there)
        known = self._extended_files.get(path)
        if known is None or known[0] is not origin.environment:
            self._check_file(path, where)
            merger = _merger(origin.environment)
            whole: dict[str, Any] = {}
            for layer in self._layers(source):
                whole = merger.laid_over(whole, layer, ())
            known = origin.environment, whole
            self._extended_files[path] = known
        services = known[1].get("services")
        return source, services if isinstance(services, dict) else {}


def sectioned(layer: dict[str, Any]) -> dict[str, Any]:
    """A file of the first format, which has services at its top, with a section for them."""
    if not is_first_format(layer):
        return layer
    services = {key: value for key, value in layer.items() if not is_extension(key)}
    rest = {key: value for key, value in layer.items() if is_extension(key)}
    return {"services": services, **rest}


def is_first_format(layer: Mapping[str, Any]) -> bool:
    """Whether all that is at the top of a file are services."""
    own = [value for key, value in layer.items() if not is_extension(key)]
    return (
        bool(own)
        and "services" not in layer
        and all(isinstance(value, dict) and not _STARTS.isdisjoint(value) for value in own)
    )


#: What a container can be made of.
_STARTS = frozenset({"image", "build", "extends", "external"})


def _merger(environment: Mapping[str, str]) -> Merger:
    return Merger(reader(environment), literal)


def _texts(value: Any, where: str) -> list[Any]:
    if isinstance(value, list):
        return value
    if value is None or isinstance(value, str):
        return [value] if value else []
    raise BundleError("must be a path or a list of paths", where=where)


__all__ = ["DEPTH_MAX", "STREAM", "Loader", "is_first_format", "sectioned"]
