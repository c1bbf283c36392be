"""What a user changes in a template without meaning anything changes no container."""

import json

import pytest

from compose.parse import parse
from compose.template import compile_template
from compose.tree import Tree
from schemas.fingerprint import fingerprint
from tests.compose_corpus.oracles import PROJECT, Sample, samples


def _fingerprints(text: str, environment: dict[str, str]) -> dict[str, str]:
    template = compile_template(PROJECT, text, environment)
    return {service.name: fingerprint(service.spec) for service in template.services}


def _reversed(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {key: _reversed(tree[key]) for key in reversed(tree)}
    return [_reversed(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_comments_and_the_order_of_keys_recreate_nothing(sample: Sample) -> None:
    before = _fingerprints(sample.text, sample.environment)
    commented = "\n".join(f"{line} # why" for line in sample.text.splitlines())
    assert _fingerprints(commented, sample.environment) == before
    turned = json.dumps(_reversed(parse(sample.text)))
    assert _fingerprints(turned, sample.environment) == before


def test_a_policy_or_a_probe_that_changes_recreates_nothing() -> None:
    before = _fingerprints("web: {image: x, restart: always}", {})
    after = "web: {image: x, restart: 'no', labels: {aliyun.probe.cmd: a, aliyun.scale: 5}}"
    assert _fingerprints(after, {}) == before


def test_everything_else_that_changes_recreates_only_its_own_service() -> None:
    before = _fingerprints("web: {image: x}\ndb: {image: y}", {})
    after = _fingerprints("web: {image: x, tty: true}\ndb: {image: y}", {})
    assert (after["web"] != before["web"], after["db"] == before["db"]) == (True, True)
