"""docs/compose.md is what the code says."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from compose.generate import PAGE, write
from compose.keys import SERVICE_KEYS, V1_SERVICE_KEYS, Verdict
from compose.nested_keys import NESTED_KEYS
from compose.published_schemas import _schema
from compose.reference import reference
from compose.section_keys import (
    CONFIG_KEYS,
    DEPLOY_KEYS,
    JOINING_KEYS,
    NETWORK_KEYS,
    SECRET_KEYS,
    SECTION_KEYS,
    VOLUME_KEYS,
)


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make schemas`"


def test_writing_makes_it_fresh(tmp_path: Path) -> None:
    write(tmp_path / "compose.md")
    assert (tmp_path / "compose.md").read_text(encoding="utf-8") == reference()


def test_every_key_that_the_schemas_know_is_in_the_tables() -> None:
    for version in ("v2", "spec", *(f"v3.{minor}" for minor in range(14))):
        schema = _schema(version)
        for part, known in (
            ("service", SERVICE_KEYS),
            ("network", NETWORK_KEYS),
            ("volume", VOLUME_KEYS),
            ("deployment", DEPLOY_KEYS),
            ("config", CONFIG_KEYS),
            ("secret", SECRET_KEYS),
        ):
            if not schema.has_part(part):
                assert part in {"config", "secret"}
                continue
            node = schema.part(part)
            written = {key for key in node["properties"] if not key.startswith("x-")}
            assert written - set(known) == set(), (version, part)
    later = {"dns_opt", "dns_options", "external", "kernel_memory", "memswap_reservation", "name"}
    first = set(_schema("v1").part("service")["properties"])
    assert set(V1_SERVICE_KEYS) - first == later | {"oom_kill_disable"}
    assert first - set(V1_SERVICE_KEYS) == set()


def test_every_key_that_the_schemas_know_deeper_is_in_the_tables() -> None:
    known: dict[str, set[str]] = {
        path: set(rules)
        for path, rules in {**SECTION_KEYS, **NESTED_KEYS}.items()
        if path.count(".") > 1 or "[" in path
    }
    seen = set()
    for file in sorted(files("compose.published").iterdir(), key=str):
        if file.name.endswith(".json") and file.name != "v1.json":
            schema = json.loads(file.read_text())
            defined = schema.get("definitions", {}) | schema.get("$defs", {})
            for path, key in _written(schema, defined, ""):
                table = known.get(path)
                if table is None:
                    assert path.startswith(_ELSEWHERE) or path in _TOP, (file.name, path)
                else:
                    seen.add(path)
                    assert key in table or key.startswith("x-"), (file.name, path, key)
    assert set(known) - seen == {"services.*.external"}


#: In tables of their own, or refused as a whole, or warned about as a whole.
_TOP = {"", "services.*", "networks.*", "volumes.*", "configs.*", "secrets.*"}
_ELSEWHERE = (
    "include",
    "configs.*.external",
    "secrets.*.external",
    "volumes.*.x-cluster-spec",
    "services.*.build",
    "services.*.credential_spec",
    "services.*.deploy.placement.preferences",
    "services.*.deploy.resources.reservations.generic_resources",
    "services.*.develop",
    "services.*.env_file",
    "services.*.models",
    "services.*.post_start",
    "services.*.pre_stop",
    "services.*.provider",
    "models",
)


def _written(
    node: Any, defined: dict[str, Any], path: str, through: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """Path of a mapping and key in it, for everything that a schema names."""
    if not isinstance(node, dict):
        return
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/definitions/").removeprefix("#/$defs/")
        if name not in through:
            target = defined.get(name) or next(
                one for one in defined.values() if node["$ref"] in {one.get("id"), one.get("$id")}
            )
            yield from _written(target, defined, path, (*through, name))
    for word in ("oneOf", "anyOf", "allOf"):
        for one in node.get(word, ()):
            yield from _written(one, defined, path, through)
    for key, one in node.get("properties", {}).items():
        yield path, key
        yield from _written(one, defined, f"{path}.{key}".removeprefix("."), through)
    for pattern, one in node.get("patternProperties", {}).items():
        if pattern != "^x-":
            yield from _written(one, defined, f"{path}.*", through)
    yield from _written(node.get("items"), defined, f"{path}[]", through)
    yield from _written(node.get("additionalProperties"), defined, f"{path}.*", through)


def test_every_option_of_a_joined_network_is_in_the_tables() -> None:
    networks = _schema("spec").part("service")["properties"]["networks"]["oneOf"][1]
    (options,) = networks["patternProperties"].values()
    assert set(options["oneOf"][0]["properties"]) <= set(JOINING_KEYS)


def test_every_refusal_says_what_to_do() -> None:
    tables = (SERVICE_KEYS, V1_SERVICE_KEYS, *SECTION_KEYS.values(), *NESTED_KEYS.values())
    for key, rule in (row for table in tables for row in table.items()):
        if rule.verdict in {Verdict.REFUSED, Verdict.WARNED}:
            assert rule.advice, key
