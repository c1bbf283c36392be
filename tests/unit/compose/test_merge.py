"""One mapping over another, rule by rule. The recordings of the corpus say what Compose does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.errors import TemplateError
from compose.merge import Merger, Override, Reset, unmarked
from compose.parse import parse, parse_layers


def merged(before: str, over: str, merger: Merger | None = None) -> Any:
    """Services of one key, in flow style."""
    found = (merger or Merger()).laid_over(
        dict(parse(f"services: {{web: {{{before}}}}}")),
        parse_layers(f"services: {{web: {{{over}}}}}")[0],
        (),
    )
    return unmarked(found)["services"]["web"]


@pytest.mark.parametrize(
    ("before", "over", "result"),
    [
        ("image: a", "image: b", "image: b"),
        ("image: a", "image: ", "image: a"),
        ("image: ", "image: b", "image: b"),
        ("command: [a]", "command: [b, c]", "command: [b, c]"),
        ("command: [a]", "command: ", "command: "),
        ("entrypoint: a", "entrypoint: [b]", "entrypoint: [b]"),
        ("environment: {A: 1, B: 1}", "environment: {B: 2}", "environment: {A: 1, B: 2}"),
        ("environment: {A: 1, B: }", "environment: [A=2]", "environment: [A=2, B]"),
        ("environment: [A=1, B]", "environment: {B: true}", "environment: [A=1, B=true]"),
        ("environment: [A=1]", "environment: [A]", "environment: [A]"),
        (
            "environment: ['affinity:a!=b']",
            "environment: ['affinity:a!=c']",
            "environment: ['affinity:a!=b', 'affinity:a!=c']",
        ),
        ("labels: [a=1]", "labels: [a=2, b]", "labels: [a=2, b]"),
        ("dns: a", "dns: [a, b]", "dns: [a, b]"),
        ("tmpfs: '/a:x'", "tmpfs: ['/a:y', /b]", "tmpfs: ['/a:y', /b]"),
        ("extra_hosts: {a: '1'}", "extra_hosts: ['a=1', 'a=2']", "extra_hosts: ['a=1', 'a=2']"),
        ("ports: ['80:80']", "ports: ['80:80', '81:80']", "ports: ['80:80', '81:80']"),
        (
            "ports: ['8080:80/tcp', 5]",
            "ports: [{target: 80, published: 8080}, bad]",
            "ports: [{target: 80, published: 8080}, 5, bad]",
        ),
        ("volumes: ['a:/d', /e]", "volumes: ['b:/d/']", "volumes: ['b:/d/', /e]"),
        (
            "volumes: ['a:/d']",
            "volumes: [{type: tmpfs, target: /d}]",
            "volumes: [{type: tmpfs, target: /d}]",
        ),
        ("devices: ['/a:/b']", "devices: ['/c:/b', '/d']", "devices: ['/c:/b', '/d']"),
        (
            "configs: [a, b]",
            "configs: [{source: c, target: /a}]",
            "configs: [{source: c, target: /a}, b]",
        ),
        ("secrets: [a]", "secrets: [{source: a, uid: '1'}]", "secrets: [{source: a, uid: '1'}]"),
        ("cap_add: [A]", "cap_add: [A, B]", "cap_add: [A, B]"),
        ("profiles: [a]", "profiles: [b]", "profiles: [a, b]"),
        ("networks: [a]", "networks: {b: {aliases: [c]}}", "networks: {a: , b: {aliases: [c]}}"),
        (
            "networks: {a: {aliases: [b]}}",
            "networks: {a: {aliases: [b, c]}}",
            "networks: {a: {aliases: [b, c]}}",
        ),
        (
            "depends_on: [a]",
            "depends_on: {b: {condition: service_healthy}}",
            "depends_on: {a: {condition: service_started}, b: {condition: service_healthy}}",
        ),
        (
            "healthcheck: {test: [a, b], retries: 1}",
            "healthcheck: {test: [c]}",
            "healthcheck: {test: [c], retries: 1}",
        ),
        (
            "ulimits: {a: 1, b: {soft: 1, hard: 2}}",
            "ulimits: {b: {soft: 3}}",
            "ulimits: {a: 1, b: {soft: 3}}",
        ),
        (
            "logging: {driver: a, options: {x: 1}}",
            "logging: {driver: a, options: {y: 2}}",
            "logging: {driver: a, options: {x: 1, y: 2}}",
        ),
        (
            "logging: {driver: a, options: {x: 1}}",
            "logging: {driver: b}",
            "logging: {driver: b}",
        ),
        ("build: .", "build: {args: {a: b}}", "build: {context: ., args: {a: b}}"),
        ("deploy: {a: {b: [1]}}", "deploy: {a: {b: [2]}}", "deploy: {a: {b: [1, 2]}}"),
        ("ports: ['80']", "ports: !override ['81']", "ports: ['81']"),
        ("ports: ['80'], tty: true", "ports: !reset []", "tty: true"),
        ("deploy: {a: 1, b: 2}", "deploy: {a: !reset null}", "deploy: {b: 2}"),
    ],
)
def test_every_key_has_its_rule(before: str, over: str, result: str) -> None:
    assert merged(before, over) == parse(f"{{a: {{{result}}}}}")["a"]


def test_pools_of_one_subnet_are_one() -> None:
    before = parse("networks: {n: {ipam: {config: [{subnet: a, gateway: b}, {subnet: c}]}}}")
    over = parse("networks: {n: {ipam: {config: [{subnet: a, gateway: d}, {subnet: e}]}}}")
    found = Merger().laid_over(dict(before), dict(over), ())
    assert found["networks"]["n"]["ipam"]["config"] == [
        {"subnet": "a", "gateway": "d"},
        {"subnet": "c"},
        {"subnet": "e"},
    ]


def test_entries_are_compared_by_what_they_stand_for_and_kept_as_they_are() -> None:
    merger = Merger(lambda text: text.replace("$D", "/d"), lambda key: key.replace("$", "$$"))
    found = merged("volumes: ['a:/d']", "volumes: ['b:$D']", merger)
    assert found == {"volumes": ["b:$D"]}
    found = merged("environment: {$A: $B}", "environment: [C]", merger)
    assert found == {"environment": ["$$A=$B", "C"]}


@pytest.mark.parametrize(
    ("before", "over", "where"),
    [
        ("ports: ['80']", "ports: {a: b}", "ports"),
        ("image: a", "image: [b]", "image"),
        ("networks: [a]", "networks: b", "networks"),
        ("environment: {A: {b: c}}", "environment: [D]", "environment"),
        ("build: [a]", "build: .", "build"),
    ],
)
def test_kinds_that_do_not_fit_are_refused_with_their_path(
    before: str, over: str, where: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        merged(before, over)
    assert caught.value.where == f"services.web.{where}"


def test_a_mark_lasts_until_the_last_layer() -> None:
    merger = Merger()
    reset = merger.merged([1], Reset(), ("a",))
    assert merger.merged(reset, [2], ("a",)) == Override([2])
    assert merger.merged(Override([1]), [2], ("a",)) == Override([1, 2])
    assert unmarked({"a": Override({"b": Reset(), "c": [Reset(), 1]})}) == {"a": {"c": [1]}}


TREES = st.recursive(
    st.none() | st.integers() | st.text("ab=:/$", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["labels", "ports", "volumes", "x", "ulimits"]), inner)
    ),
    max_leaves=12,
)
SERVICES = st.fixed_dictionaries({"services": st.dictionaries(st.sampled_from("ab"), TREES)})


@given(SERVICES, SERVICES)
def test_no_two_trees_break_it(before: dict[str, Any], over: dict[str, Any]) -> None:
    try:
        found = Merger().laid_over(before, over, ())
    except TemplateError:
        return
    assert set(found["services"]) == {*before["services"], *over["services"]}


@given(SERVICES)
def test_nothing_laid_over_a_tree_changes_nothing(tree: dict[str, Any]) -> None:
    assert Merger().laid_over(tree, {}, ()) == tree
    assert Merger().laid_over({}, tree, ()) == tree


def test_layers_are_documents_with_marks() -> None:
    text = "a: !reset 1\nb: !override [x]\nc: !override '5'\nd: &d !override {e: 1}\nf: *d\n---\n---\ng: 1\n"
    assert parse_layers(text) == [
        {
            "a": Reset(),
            "b": Override(["x"]),
            "c": Override("5"),
            "d": Override({"e": 1}),
            "f": Override({"e": 1}),
        },
        {"g": 1},
    ]
    assert parse_layers("") == []


@pytest.mark.parametrize("text", ["a: !reset 1", "a: !override [b]", "a: 1\n---\nb: 1"])
def test_a_template_itself_has_one_document_without_marks(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text)
