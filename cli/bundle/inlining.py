"""What a tree's paths of this machine name, written into the tree itself.

Reads: those files, by a `Disk`. Variables of an `env_file` become `environment`, files that are
mounted become configs, and files of configs and secrets become their `content`.
"""

from collections.abc import Mapping
from typing import Any

from cli.bundle.anchors import ClientPath
from cli.bundle.disk import Disk, Kind
from cli.bundle.dotenv import raw_variables_of, variables_of
from cli.bundle.errors import BundleError, inside, located
from cli.bundle.mounted import Mounted, content_of
from cli.bundle.variables import literal, reader
from compose.errors import below, clipped
from compose.extends import wanted
from compose.inline import SECTIONS
from compose.limits import FILE_BYTES_MAX, TEXT_BYTES_MAX
from compose.merge import Merger
from compose.notes import Notes


class Inliner:
    """Replaces the paths of one tree. `shown` is how messages call where it comes from."""

    def __init__(
        self, disk: Disk, environment: Mapping[str, str], shown: str, notes: Notes
    ) -> None:
        self._disk = disk
        self._environment = environment
        self._read = reader(environment)
        self._shown = shown
        self._notes = notes
        self._mounted = Mounted(disk, notes)

    def inlined(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """The tree without a path of this machine, and without services that nobody asked for.

        Raises:
            BundleError: a file can't be read, or a directory is mounted.
        """
        found = dict(tree)
        services = found.get("services")
        if not isinstance(services, dict):
            return found
        with located(self._shown):
            chosen = wanted(
                self._with_profiles(services), "services", self._environment, self._notes
            )
        declared = found.get("configs") or {}
        if not isinstance(declared, dict):
            raise BundleError("must be a mapping", where=inside(self._shown, "configs"))
        self._mounted = Mounted(self._disk, self._notes, declared)
        found["services"] = {
            name: self._service(services[name], below("services", name)) for name in chosen
        }
        for section in SECTIONS:
            self._inline_section(found, section)
        if configs := self._mounted.configs():
            found["configs"] = {**(found.get("configs") or {}), **configs}
        return found

    def _with_profiles(self, services: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The services as far as they say who wants them."""
        found: dict[str, dict[str, Any]] = {}
        for name, service in services.items():
            profiles = service.get("profiles") if isinstance(service, dict) else None
            if isinstance(profiles, list):
                profiles = [self._read(one) if isinstance(one, str) else one for one in profiles]
            found[name] = {"profiles": profiles}
        return found

    def _service(self, service: Any, where: str) -> Any:
        if not isinstance(service, dict):
            return service
        found = dict(service)
        if (files := found.pop("env_file", None)) is not None:
            self._add_variables(found, files, where)
        if (files := found.pop("label_file", None)) is not None:
            self._add_labels(found, files, where)
        if isinstance(options := found.get("security_opt"), list):
            found["security_opt"] = [self._profile(option) for option in options]
        self._mounted.take(found)
        return found

    def _add_variables(self, service: dict[str, Any], files: Any, where: str) -> None:
        own = self._pairs(service, "environment", where)
        given = {self._read(name): self._read(value) for name, value in _pairs(own)}
        outside = {**given, **self._environment}
        found: dict[str, str] = {}
        for file in files if isinstance(files, list) else []:
            path = file.get("path")
            if not isinstance(path, ClientPath):
                raise BundleError("must be a path", where=inside(self._shown, f"{where}.env_file"))
            if file.get("required") is False and self._disk.kind(path.path) is Kind.MISSING:
                continue
            kind = file.get("format")
            if kind not in {None, "raw"}:
                raise BundleError(f"{clipped(str(kind))} is no format", where=path.where)
            text = self._disk.text(path.path, path.where, bytes_max=TEXT_BYTES_MAX)
            with located():
                if kind == "raw":
                    found |= raw_variables_of(text, outside, self._disk.shown(path.path))
                else:
                    found |= variables_of(
                        text, outside, self._disk.shown(path.path), self._notes, {**given, **found}
                    )
        service["environment"] = _below(found, own)

    def _pairs(self, service: Mapping[str, Any], key: str, where: str) -> Any:
        found = service.get(key) or {}
        if not isinstance(found, dict | list):
            raise BundleError(
                "must be a mapping or a list", where=inside(self._shown, below(where, key))
            )
        return found

    def _add_labels(self, service: dict[str, Any], files: Any, where: str) -> None:
        own = self._pairs(service, "labels", where)
        found: dict[str, str] = {}
        for path in files:
            if not isinstance(path, ClientPath):
                raise BundleError(
                    "must be a path", where=inside(self._shown, f"{where}.label_file")
                )
            text = self._disk.text(path.path, path.where, bytes_max=TEXT_BYTES_MAX)
            with located():
                found |= variables_of(text, {}, self._disk.shown(path.path), self._notes, found)
        service["labels"] = _below(found, own)

    def _profile(self, option: Any) -> Any:
        path = option.get("seccomp") if isinstance(option, dict) else None
        if not isinstance(path, ClientPath):
            return option
        text = self._disk.text(path.path, path.where, bytes_max=FILE_BYTES_MAX)
        return f"seccomp={literal(text.strip())}"

    def _inline_section(self, tree: dict[str, Any], section: str) -> None:
        entries = tree.get(section)
        if not isinstance(entries, dict):
            return
        used = self._used(tree["services"], section)
        found: dict[str, Any] = {}
        for name, entry in entries.items():
            path = entry.get("file") if isinstance(entry, dict) else None
            if not isinstance(path, ClientPath):
                found[name] = entry
            elif name in used:
                rest = {key: value for key, value in entry.items() if key != "file"}
                found[name] = {**rest, "content": content_of(path, self._disk)}
            else:
                self._notes.warn("no service has it: left out", where=path.where)
        tree[section] = found
        if not found:
            del tree[section]

    def _used(self, services: Mapping[str, Any], section: str) -> set[str]:
        names: set[str] = set()
        for service in services.values():
            entries = service.get(section) if isinstance(service, dict) else None
            for entry in entries if isinstance(entries, list) else []:
                source = entry.get("source") if isinstance(entry, dict) else entry
                names.add(self._read(str(source)))
        return names


def _pairs(value: Any) -> list[tuple[str, str]]:
    """The variables that have a value."""
    if isinstance(value, dict):
        return [(literal(name), _text(item)) for name, item in value.items() if item is not None]
    entries = [entry for entry in value if isinstance(entry, str) and "=" in entry]
    return [(name, given) for name, _, given in (entry.partition("=") for entry in entries)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _below(found: Mapping[str, str], own: Any) -> Any:
    """What files say, and above it what the service says itself, in the form that this has."""
    given = {name: literal(value) for name, value in found.items()}
    if isinstance(own, dict):
        return given | own
    pairs = [f"{literal(name)}={value}" for name, value in given.items()]
    return Merger(literal=literal).sequence(pairs, own, ("services", "*", "environment"))
