"""How Compose lays one mapping over another: an override file over a file, a service over its base.

Maps are laid over each other and lists are joined; the paths below have rules of their own. An
entry of a joined list that stands for the same thing as an earlier one (a mount at the same place,
a variable of the same name) takes its place.
"""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from compose.errors import TemplateError, below
from compose.files import target_of
from compose.inline import SECTIONS
from compose.placement import is_expression
from compose.ports import ports_of

#: One step for each key.
Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reset:
    """`!reset`: what was said of this key before is taken back."""


@dataclass(frozen=True, slots=True)
class Override:
    """`!override`: replaces all that was said of this key before."""

    value: Any


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Merger:
    """Merging, before or after variables are replaced."""

    #: what a text stands for: two entries are compared by it
    read: Callable[[str], str] = _same
    #: how a key is written as part of a text
    literal: Callable[[str], str] = _same

    def merged(self, before: Any, over: Any, at: Path) -> Any:
        """`over` on top of `before`. Marks of `over` are kept: more may lie below.

        Raises:
            TemplateError: a mapping is laid over a list, or the like.
        """
        if isinstance(over, Reset | Override):
            return over
        if isinstance(before, Reset):
            return Override(over)
        if isinstance(before, Override):
            return Override(self.merged(before.value, over, at))
        rule = _RULES.get(_pattern(at), Merger.plainly)
        return rule(self, before, over, at)

    def plainly(self, before: Any, over: Any, at: Path) -> Any:
        """What no path has a rule of its own for."""
        if over is None or before is None:
            return before if over is None else over
        if isinstance(before, dict) and isinstance(over, dict):
            return self.laid_over(before, over, at)
        if isinstance(before, list) and isinstance(over, list):
            return self._unique([*before, *over], at)
        if isinstance(before, dict | list) or isinstance(over, dict | list):
            raise _clash(at)
        return over

    def laid_over(self, before: dict[str, Any], over: dict[str, Any], at: Path) -> dict[str, Any]:
        """Both mappings, key by key. As deep as the trees, which parsing has bounded."""
        whole = dict(before)
        for key, value in over.items():
            whole[key] = self.merged(before[key], value, (*at, key)) if key in before else value
        return whole

    def _unique(self, items: list[Any], at: Path) -> list[Any]:
        key = _KEYS.get(_pattern(at))
        if key is None:
            return items
        return list({key(self, item): item for item in items}.values())

    def sequence(self, before: Any, over: Any, at: Path) -> Any:
        """Pairs or texts, as a mapping if both are one, else as a list."""
        if isinstance(before, dict) and isinstance(over, dict):
            return before | over
        return self._unique([*self._listed(before, at), *self._listed(over, at)], at)

    def _listed(self, value: Any, at: Path) -> list[Any]:
        if isinstance(value, list):
            return value
        if not isinstance(value, dict):
            return [] if value is None else [value]
        found: list[Any] = []
        for key, given in value.items():
            name = self.literal(key)
            for one in given if isinstance(given, list) else [given]:
                if isinstance(one, dict | list):
                    raise _clash(at)
                found.append(name if one is None else f"{name}={_written(one)}")
        return found

    def hosts(self, before: Any, over: Any, at: Path) -> Any:
        """`extra_hosts`: a host may have several addresses, so each pair counts."""
        return list(dict.fromkeys([*self._listed(before, at), *self._listed(over, at)]))

    def named(self, before: Any, over: Any, at: Path) -> Any:
        """A list of names stands for a mapping with nothing said about each."""
        default = {"condition": "service_started"} if at[-1] == "depends_on" else None
        return self.laid_over(_mapped(before, default, at), _mapped(over, default, at), at)

    def logging(self, before: Any, over: Any, at: Path) -> Any:
        """The options of one driver mean nothing to another one."""
        if not isinstance(before, dict) or not isinstance(over, dict):
            return before if over is None else over
        drivers = {
            before.get("driver", over.get("driver")),
            over.get("driver", before.get("driver")),
        }
        return self.laid_over(before, over, at) if len(drivers) == 1 else over

    def build(self, before: Any, over: Any, at: Path) -> Any:
        """A text is the context."""
        both = [{"context": one} if isinstance(one, str) else one or {} for one in (before, over)]
        if not all(isinstance(one, dict) for one in both):
            raise _clash(at)
        return self.laid_over(both[0], both[1], at)

    def pools(self, before: Any, over: Any, at: Path) -> Any:
        """`ipam.config`: pools of the same subnet are one."""
        if not isinstance(before, list) or not isinstance(over, list):
            return before if over is None else over
        found: dict[str, Any] = {}
        for pool in (*before, *over):
            subnet = repr(pool.get("subnet")) if isinstance(pool, dict) else repr(pool)
            old = found.get(subnet)
            both = isinstance(old, dict) and isinstance(pool, dict)
            found[subnet] = self.laid_over(old, pool, at) if both else pool  # type: ignore[arg-type]
        return list(found.values())

    def replaced(self, _: Any, over: Any, __: Path) -> Any:
        """Half of a command line is none."""
        return over


def unmarked(value: Any) -> Any:
    """The tree without its marks."""
    if isinstance(value, Override):
        return unmarked(value.value)
    if isinstance(value, dict):
        return {key: unmarked(item) for key, item in value.items() if not isinstance(item, Reset)}
    if isinstance(value, list):
        return [unmarked(item) for item in value if not isinstance(item, Reset)]
    return value


def _pattern(at: Path) -> Path:
    """The path without what users have named."""
    if at[:1] == ("services",) and at[2:3] == ("ulimits",) and len(at) == 4:
        return (*at[:1], "ulimits", "*")
    if at[:1] == ("services",) and at[2:3] == ("networks",) and len(at) > 3:
        return (at[0], "networks", "*", *at[4:])
    return (*at[:1], *at[2:])


def _clash(at: Path) -> TemplateError:
    return TemplateError("a mapping, a list and a text can't be merged", where=where_of(at))


def where_of(at: Path) -> str:
    """A path as messages show it."""
    where = ""
    for key in at:
        where = below(where, key)
    return where


def _mapped(value: Any, default: dict[str, Any] | None, at: Path) -> dict[str, Any]:
    if value is None or isinstance(value, dict):
        return value or {}
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TemplateError("must be a mapping or a list of names", where=where_of(at))
    return {name: None if default is None else dict(default) for name in value}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _pair(merger: Merger, entry: Any) -> str:
    if not _is_scalar(entry):
        return repr(entry)
    written = merger.read(_written(entry))
    name = written.partition("=")[0]
    # Of an expression there may be many: each is a condition of its own.
    return written if is_expression(name) else name


def _whole(merger: Merger, entry: Any) -> str:
    return merger.read(_written(entry)) if _is_scalar(entry) else repr(entry)


def _is_scalar(entry: Any) -> bool:
    return isinstance(entry, str | int | float)


def _mount(merger: Merger, entry: Any) -> str:
    if isinstance(entry, dict):
        target = merger.read(_written(entry.get("target")))
    else:
        parts = merger.read(_written(entry)).split(":")
        target = parts[1] if len(parts) > 1 else parts[0]
    return posixpath.normpath(target)


def _tmpfs(merger: Merger, entry: Any) -> str:
    return _whole(merger, entry).partition(":")[0]


def _file(section: str) -> Callable[[Merger, Any], str]:
    def key(merger: Merger, entry: Any) -> str:
        if isinstance(entry, dict):
            shown = {name: merger.read(_written(entry[name])) for name in entry if entry[name]}
            return target_of(section, dict(shown))
        return target_of(section, _whole(merger, entry))

    return key


def _port(merger: Merger, entry: Any) -> Any:
    read = merger.read
    if isinstance(entry, dict):
        plain = {key: read(item) if isinstance(item, str) else item for key, item in entry.items()}
        entry = plain
    else:
        entry = _whole(merger, entry)
    try:
        return frozenset(ports_of(entry, ""))
    except TemplateError:
        # Whoever reads the list will say what is wrong with it.
        return repr(entry)


def _env_file(merger: Merger, entry: Any) -> str:
    return _whole(merger, entry.get("path") if isinstance(entry, dict) else entry)


_Rule = Callable[[Merger, Any, Any, Path], Any]


def _of(section: str, names: str, value: Any) -> dict[Path, Any]:
    return {(section, *name.split(".")): value for name in names.split()}


_RULES: Mapping[Path, _Rule] = {
    **_of("services", "command entrypoint healthcheck.test ulimits.*", Merger.replaced),
    **_of(
        "services",
        "annotations deploy.labels dns dns_opt dns_options dns_search env_file environment "
        "label_file labels sysctls tmpfs storage_opt log_opt",
        Merger.sequence,
    ),
    **_of("networks", "labels", Merger.sequence),
    **_of("volumes", "labels", Merger.sequence),
    **_of("services", "depends_on networks models", Merger.named),
    **_of("services", "extra_hosts", Merger.hosts),
    **_of("services", "logging", Merger.logging),
    **_of("services", "build", Merger.build),
    **_of("networks", "ipam.config", Merger.pools),
}

_KEYS: Mapping[Path, Callable[[Merger, Any], Any]] = {
    **_of("services", "annotations deploy.labels environment labels sysctls", _pair),
    **_of(
        "services",
        "cap_add cap_drop device_cgroup_rules dns dns_opt dns_options dns_search expose "
        "external_links group_add links profiles security_opt networks.*.aliases "
        "networks.*.link_local_ips",
        _whole,
    ),
    **_of("services", "devices volumes", _mount),
    **_of("services", "tmpfs", _tmpfs),
    **_of("services", "ports", _port),
    **_of("services", "env_file label_file", _env_file),
    **{("services", section): _file(section) for section in SECTIONS},
    **_of("networks", "labels", _pair),
    **_of("volumes", "labels", _pair),
}
