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


@pytest.mark.parametrize(
    ("web", "db", "more", "changed"),
    [
        ("tty: true", "", "", {"web"}),
        ("labels: {a: b}", "", "", {"web"}),
        ("labels: {aliyun.depends: db}", "", "", set()),
        # The name is its target's, as docs/compose.md says.
        ("links: [db]", "", "", set()),
        ("links: ['db:mysql']", "", "", {"db"}),
        ("", "", "out: {external: {host: 1.2.3.4}}", set()),
        ("links: [out]", "", "out: {external: {host: 1.2.3.4}}", {"web"}),
        ("labels: {aliyun.depends: out}", "", "out: {external: {host: 1.2.3.4}}", {"web"}),
        ("", "links: [out]", "out: {external: {host: 1.2.3.4}}", {"db"}),
        ("", "", "other: {image: z}", set()),
    ],
)
def test_a_change_recreates_those_only_that_it_is_about(
    web: str, db: str, more: str, changed: set[str]
) -> None:
    before = _fingerprints("web: {image: x}\ndb: {image: y}", {})
    after = _fingerprints(f"web: {{image: x, {web}}}\ndb: {{image: y, {db}}}\n{more}", {})
    assert {name for name, one in before.items() if after[name] != one} == changed
