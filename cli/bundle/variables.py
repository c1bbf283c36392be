"""Which variables a tree names, and texts in which variables have their values already. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from compose.errors import TemplateError
from compose.extends import PROFILES_VARIABLE
from compose.interpolate import interpolate
from compose.notes import Notes
from compose.template import PROJECT_VARIABLE
from compose.tree import Tree

#: Variables that only a coordinator knows, of which none has a say in a path on this machine.
_CLUSTERS = {"ACS_PROJECT_VERSION": "1", "ACS_DEFAULT_DOMAIN": "domain"}
_VALUE = "value"


class Recording(dict[str, str]):
    """An environment that remembers which variables were looked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.seen: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.seen.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The variable's value."""
        self.seen.add(name)
        return super().get(name, default)


def literal(text: str) -> str:
    """A text that is itself again after variables are replaced."""
    return text.replace("$", "$$")


def substituted(
    text: str, environment: Mapping[str, str], where: str = "", notes: Notes | None = None
) -> str:
    """The text with its variables replaced.

    Raises:
        TemplateError: bad syntax, or a required variable is unset.
    """
    if "$" not in text:
        return text
    found = Notes()
    try:
        result = interpolate({_VALUE: text}, environment, found)[_VALUE]
    except TemplateError as error:
        raise TemplateError(error.message, where=where) from error
    if notes is not None:
        for warning in found.warnings():
            notes.warn(warning.removeprefix(f"{_VALUE}: "), where=where)
    return str(result)


def reader(environment: Mapping[str, str]) -> Callable[[str], str]:
    """What a text stands for, to compare it; one that has faults stands for itself."""

    def read(text: str) -> str:
        try:
            return substituted(text, environment)
        except TemplateError:
            return text

    return read


def referenced(tree: Mapping[str, Tree], environment: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that a template needs to mean what it means here.

    Raises:
        TemplateError: a variable's syntax is bad, or a required one is unset.
    """
    recording = Recording({**_CLUSTERS, **environment})
    read = interpolate(tree, recording, Notes())
    names = {*recording.seen, *_named(read)}
    return {
        name: value
        for name, value in environment.items()
        if name in names and name != PROJECT_VARIABLE
    }


def localised(
    tree: dict[str, Any], outer: Mapping[str, str], inner: Mapping[str, str]
) -> dict[str, Any]:
    """The tree with the values of those variables that only `inner` has."""
    own = set(inner) - set(outer)
    if not own:
        return tree
    given = {name: inner[name] for name in own}
    return {key: _given(_valued(item, own, inner), key, given) for key, item in tree.items()}


def _valued(value: Any, own: set[str], inner: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _valued(item, own, inner) for key, item in value.items()}
    if isinstance(value, list):
        return [_valued(item, own, inner) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    recording = Recording(inner)
    result = substituted(value, recording)
    return literal(result) if recording.seen & own else value


def _given(section: Any, name: str, given: Mapping[str, str]) -> Any:
    """A section in which variables that are only named have their values."""
    if not isinstance(section, dict):
        return section
    found = dict(section)
    for key, entry in section.items():
        if not isinstance(entry, dict):
            continue
        variables = entry.get("environment")
        if name == "services":
            found[key] = (
                {**entry, "environment": _assigned(variables, given)} if variables else entry
            )
        elif name in {"configs", "secrets"} and isinstance(variables, str) and variables in given:
            rest = {one: item for one, item in entry.items() if one != "environment"}
            found[key] = {**rest, "content": literal(given[variables])}
    return found


def _assigned(variables: Any, given: Mapping[str, str]) -> Any:
    if isinstance(variables, dict):
        return {
            name: literal(given[name]) if value is None and name in given else value
            for name, value in variables.items()
        }
    if isinstance(variables, list):
        return [
            f"{name}={literal(given[name])}" if isinstance(name, str) and name in given else name
            for name in variables
        ]
    return variables


def _named(tree: Mapping[str, Tree]) -> set[str]:
    """Variables that are named without a dollar sign."""
    names: set[str] = set()
    services = tree.get("services", tree)
    for service in services.values() if isinstance(services, dict) else ():
        if not isinstance(service, dict):
            continue
        variables = service.get("environment")
        if isinstance(variables, dict):
            names |= {name for name, value in variables.items() if value is None}
        elif isinstance(variables, list):
            names |= {name for name in variables if isinstance(name, str)}
        if service.get("profiles"):
            names.add(PROFILES_VARIABLE)
    for section in ("configs", "secrets"):
        entries = tree.get(section)
        for entry in entries.values() if isinstance(entries, dict) else ():
            name = entry.get("environment") if isinstance(entry, dict) else None
            if isinstance(name, str):
                names.add(name)
    return names
