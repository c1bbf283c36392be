"""docs/compose.md is what the code says."""

from pathlib import Path

from compose.generate import PAGE, write
from compose.keys import SERVICE_KEYS, V1_SERVICE_KEYS, Verdict
from compose.published_schemas import _schema
from compose.reference import reference
from compose.section_keys import (
    CONFIG_KEYS,
    DEPLOY_KEYS,
    JOINING_KEYS,
    NETWORK_KEYS,
    SECRET_KEYS,
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


def test_every_option_of_a_joined_network_is_in_the_tables() -> None:
    networks = _schema("spec").part("service")["properties"]["networks"]["oneOf"][1]
    (options,) = networks["patternProperties"].values()
    assert set(options["oneOf"][0]["properties"]) <= set(JOINING_KEYS)


def test_every_refusal_says_what_to_do() -> None:
    for key, rule in {**SERVICE_KEYS, **V1_SERVICE_KEYS}.items():
        if rule.verdict in {Verdict.REFUSED, Verdict.WARNED}:
            assert rule.advice, key
