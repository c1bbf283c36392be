"""What the API can be asked, by operation id: from the route table to method, path and query.

Everything here is made from `schemas.routes`, so a new route can be called without new code.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from schemas.routes import ROUTES, WAIT, Route

#: what a query parameter is given
Value = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for: a method, and a path with its query."""

    method: str
    path: str


def find(operation: str) -> Route:
    """The route of this operation. Raises KeyError: a defect of ours."""
    return {route.operation: route for route in ROUTES}[operation]


def about(operation: str, name: str) -> str:
    """The help of an option that becomes this parameter. Raises KeyError: a defect of ours."""
    return {parameter.name: parameter for parameter in find(operation).takes}[name].about


def path_names(route: Route) -> tuple[str, ...]:
    """The names of what stands in the path."""
    return tuple(re.findall(r"{(\w+)}", route.path))


def target(route: Route, values: Mapping[str, Value]) -> Target:
    """The request of a route. A value is for the path or for a parameter; None is left out.

    Raises KeyError for a value that the route doesn't take: a defect of ours.
    """
    in_path = path_names(route)
    path = route.path.format(**{name: quote(str(values[name]), safe="") for name in in_path})
    taken = {each.name for each in (*route.takes, WAIT)}
    query = {}
    for name, value in values.items():
        if name in in_path or value is None:
            continue
        if name not in taken:
            raise KeyError(f"{route.operation} takes no {name}")
        query[name] = _text(value)
    return Target(route.method, f"{path}?{urlencode(query)}" if query else path)


def _text(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
