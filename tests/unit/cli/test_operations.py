"""Operations are found in the route table, and only what it lacks elsewhere."""

import pytest

from cli.operations import find, target
from schemas.routes import ROUTES, Route


def test_every_route_can_be_called_without_code_of_its_own() -> None:
    for route in ROUTES:
        values = {"name": "a b", "service_id": "a/b", "number": "7"}
        values |= {p.name: "x" for p in route.parameters}
        known = {key: value for key, value in values.items() if key in _names(route)}
        found = target(find(route.operation), known)
        assert found.method == route.method
        assert "{" not in found.path
        assert ("a%20b" in found.path) == ("{name}" in route.path)
        assert ("a%2Fb" in found.path) == ("{service_id}" in route.path)


def _names(route: Route) -> set[str]:
    in_path = {name for name in ("name", "service_id", "number") if f"{{{name}}}" in route.path}
    return in_path | {parameter.name for parameter in route.parameters}


def test_what_is_not_given_is_not_sent_and_flags_are_words() -> None:
    found = target(find("delete_project"), {"name": "shop", "force": True, "v": None})
    assert found.path == "/projects/shop?force=true"


def test_a_value_that_the_route_does_not_take_is_a_defect() -> None:
    with pytest.raises(KeyError, match="start_project takes no force"):
        target(find("start_project"), {"name": "shop", "force": True})
