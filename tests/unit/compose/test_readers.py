"""Readers refuse by themselves what the published schemas refuse before them.

The schemas are others' and change; what reaches an engine must not depend on them.
"""

from collections.abc import Callable

import pytest

from compose.dependencies import dependencies
from compose.environment import environment
from compose.errors import TemplateError
from compose.json_schema import JsonSchema
from compose.limit_keys import ulimits
from compose.mounts import mounts
from compose.notes import Notes
from compose.placement import PolicyReader
from compose.section_keys import NETWORK_KEYS, understood_section
from compose.tree import Tree, sequence, text_map
from compose.units import words
from tests.unit.compose.templates import warnings


def _mounts(value: Tree, where: str) -> object:
    return mounts(value, where, Notes())


def _environment(value: Tree, where: str) -> object:
    return environment(value, where, {}, PolicyReader(), Notes())


def _dependencies(value: Tree, where: str) -> object:
    return dependencies(value, where, Notes())


def _network(value: Tree, where: str) -> object:
    return understood_section(value, where, NETWORK_KEYS, Notes())


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (_dependencies, {"db": {"condition": "soon"}}),
        (_environment, 5),
        (_environment, [{"A": "b"}]),
        (ulimits, {"nofile": {"soft": 5}}),
        (
            _mounts,
            [{"type": "bind", "source": "/a", "target": "/b", "bind": {"selinux": "x"}}],
        ),
        (_network, {"colour": "red"}),
        (_network, {"enable_ipv4": False}),
        (sequence, {}),
        (text_map, 5),
        (words, 5),
    ],
)
def test_a_reader_refuses_what_it_cannot_read(
    read: Callable[[Tree, str], object], value: Tree
) -> None:
    with pytest.raises(TemplateError):
        read(value, "here")


@pytest.mark.parametrize(
    ("value", "is_allowed"), [(0, False), (1, True), (9, True), (10, False), ("text", True)]
)
def test_a_schema_bounds_numbers(value: Tree, is_allowed: bool) -> None:
    schema = JsonSchema({})
    fault = schema.fault(value, {"minimum": 1, "maximum": 9}, "here")
    assert (fault is None) == is_allowed


def test_a_null_is_no_fault() -> None:
    assert JsonSchema({}).fault(None, {"type": "string"}, "here") is None


def test_what_a_port_says_for_people_is_told() -> None:
    assert "no effect" in warnings("ports: [{target: 80, app_protocol: http}]")[-1]


def test_a_load_balancer_for_a_published_port_is_no_mistake() -> None:
    keys = "ports: ['80'], labels: {aliyun.lb.port_80: 'tcp://slb:80'}"
    assert all("under ports" not in warning for warning in warnings(keys))
