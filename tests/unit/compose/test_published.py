"""The published schemas: what they refuse, what they let pass, and that ours reads them rightly."""

import json
from importlib.resources import files

import pytest
from jsonschema import Draft7Validator

from compose.json_schema import JsonSchema
from tests.unit.compose.templates import compiled, refused, web_refused

VERSIONS = ["v1", "v2", *(f"v3.{minor}" for minor in range(14)), "spec"]


def _document(version: str) -> dict[str, object]:
    text = (files("compose") / "published" / f"{version}.json").read_text()
    found: dict[str, object] = json.loads(text)
    return found


def test_every_version_has_its_schema() -> None:
    for version in VERSIONS:
        JsonSchema(_document(version)).part("service")


#: Nothing that ours reads more kindly on purpose: no text for numbers, no null, no duplicate.
SAMPLES: list[dict[str, object]] = [
    {"image": "x"},
    {"image": ["x"]},
    {"image": "x", "command": ["a"]},
    {"image": "x", "command": {"a": "b"}},
    {"image": "x", "ports": ["80", 81]},
    {"image": "x", "ports": [{"target": 80}]},
    {"image": "x", "ports": [{"colour": 80}]},
    {"image": "x", "ulimits": {"nofile": 5}},
    {"image": "x", "ulimits": {"nofile": {"soft": 5}}},
    {"image": "x", "ulimits": {"nofile": {"soft": 5, "hard": 6}}},
    {"image": "x", "environment": ["A=b"]},
    {"image": "x", "environment": {"A": "b", "C": 5}},
    {"image": "x", "environment": {"A": ["b"]}},
    {"image": "x", "healthcheck": {"test": "x", "retries": 3}},
    {"image": "x", "healthcheck": {"every": "x"}},
    {"image": "x", "logging": {"driver": "x", "options": {"a": "b"}}},
    {"image": "x", "dns": "8.8.8.8"},
    {"image": "x", "dns": {"a": "8.8.8.8"}},
    {"image": "x", "volumes": ["/a:/b"]},
    {"image": "x", "volumes": [{"type": "bind", "source": "/a", "target": "/b"}]},
    {"image": "x", "volumes": [{"source": "/a"}]},
    {"image": "x", "networks": {"a": {"aliases": ["b"]}}},
    {"image": "x", "deploy": {"replicas": 3, "mode": "global"}},
    {"image": "x", "deploy": {"resources": {"limits": {"memory": "1g"}}}},
    {"image": "x", "comand": "x"},
    {"image": "x", "depends_on": {"a": {"condition": "service_started"}}},
    {"image": "x", "depends_on": {"a": {"condition": "never"}}},
]


@pytest.mark.parametrize("version", VERSIONS)
def test_our_reading_of_a_schema_is_that_of_the_library(version: str) -> None:
    document = _document(version)
    ours = JsonSchema(document)
    services = ["services", "web"] if version != "v1" else ["web"]
    for sample in SAMPLES:
        whole: object = sample
        for name in reversed(services):
            whole = {name: whole}
        if version.startswith("v3"):
            whole = {"version": version[1:], **whole}  # type: ignore[dict-item]
        theirs = not list(Draft7Validator(document).iter_errors(whole))
        fault = ours.fault(sample, ours.part("service"), "web")  # type: ignore[arg-type]
        assert (fault is None) == theirs, (sample, fault)


def test_what_only_the_specification_has_is_a_warning_in_an_older_version() -> None:
    template = compiled("version: '3.8'\nservices: {web: {image: x, mem_limit: 1g}}")
    assert template.services[0].spec.mem_limit_bytes == 1 << 30
    assert template.warnings == (
        "services.web.mem_limit: not part of version 3.8: read as the Specification has it",
    )
    check = "{test: a, start_period: 5s}"
    template = compiled(f"version: '3.0'\nservices: {{web: {{image: x, healthcheck: {check}}}}}")
    assert template.warnings == (
        (
            "services.web.healthcheck.start_period: not part of version 3.0: "
            "read as the Specification has it"
        ),
    )


@pytest.mark.parametrize("version", ["'2'", "2", "2.0", "'2.1'", "2.4", "3", "'3.0'", "3.13"])
def test_a_plain_template_of_any_version_has_no_warnings(version: str) -> None:
    text = f"version: {version}\nservices: {{web: {{image: x, ports: ['80'], command: a b}}}}"
    assert compiled(text).warnings == ()


@pytest.mark.parametrize(
    ("keys", "where", "words"),
    [
        ("ports: 80", "ports", "must be a list, not 80"),
        ("ports: [[80]]", "ports[0]", "not a list"),
        ("command: {a: b}", "command", "must be a string or a list, not a mapping"),
        ("healthcheck: {tset: a}", "healthcheck.tset", "did you mean test?"),
        ("volumes: [{type: bind, sorce: /a, target: /b}]", "volumes[0].sorce", "source"),
        ("depends_on: {db: {condition: soon}}", "depends_on.db.condition", "service_healthy"),
        ("ulimits: {nofile: {soft: 1}}", "ulimits.nofile", "needs hard"),
        ("networks: {default: {alias: [a]}}", "networks.default.alias", "aliases"),
    ],
)
def test_a_refusal_has_the_path_and_says_what_must_be(keys: str, where: str, words: str) -> None:
    error = web_refused(keys)
    assert error.where == f"services.web.{where}"
    assert words in str(error)


def test_numbers_and_flags_may_come_from_variables() -> None:
    text = "version: '3.8'\nservices: {web: {image: x, tty: $T, deploy: {replicas: $N}}}"
    (service,) = compiled(text, T="true", N="3").services
    assert (service.spec.tty, service.scale) == (True, 3)


def test_the_reference_s_own_keys_are_part_of_every_version() -> None:
    keys = "oom-kill-disable: true, dns_options: [use-vc], kernel_memory: 0, memswap_reservation: 0"
    for text in (
        f"web: {{image: x, {keys}}}",
        f"version: 2\nservices: {{web: {{image: x, {keys}}}}}",
        f"services: {{web: {{image: x, {keys}}}}}",
    ):
        assert compiled(text).warnings == ()


def test_sections_are_checked_too() -> None:
    text = "version: '3.8'\nservices: {web: {image: x}}\nnetworks: {default: {driver: [a]}}"
    assert refused(text).where == "networks.default.driver"
