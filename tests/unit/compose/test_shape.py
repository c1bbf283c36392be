"""Formats, sections, and which keys are understood."""

import textwrap

import pytest

from compose.keys import SERVICE_KEYS, TOP_LEVEL_KEYS, V1_SERVICE_KEYS, Verdict
from compose.template import compile_template
from tests.unit.compose.templates import compiled, refused, web, web_refused


@pytest.mark.parametrize(
    ("top", "version"),
    [
        ("version: '2'\n", "2"),
        ("version: 2\n", "2"),
        ("version: 2.0\n", "2"),
        ("version: 2.1\n", "2.1"),
        ("version: '2.4'\n", "2.4"),
        ("version: 3\n", "3"),
        ("version: '3.13'\n", "3.13"),
        ("", "spec"),
        ("name: shop\n", "spec"),
        ("x-a: {b: c}\n", "spec"),
    ],
)
def test_a_template_with_services_is_told_by_its_version(top: str, version: str) -> None:
    assert compiled(f"{top}services: {{web: {{image: nginx}}}}").compose_version == version


def test_a_template_without_sections_is_the_first_format() -> None:
    template = compiled("web:\r\n image: nginx")
    assert template.compose_version == "1"
    assert [service.name for service in template.services] == ["web"]


def test_a_service_may_be_called_version() -> None:
    assert compiled("version: {image: nginx}").services[0].name == "version"


def test_services_keep_the_order_of_the_template() -> None:
    template = compiled("services: {web: {image: a}, b: {image: a}, app: {image: a}}")
    assert [service.name for service in template.services] == ["web", "b", "app"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("version: [2]\nservices: {web: {image: x}}", "version"),
        ("version: '2'", "services"),
        ("version: '2'\nweb: {image: x}", "web"),
        ("services:", "services"),
        ("services: {}", "services"),
        ("services: [web]", "services"),
        ("services: {web: }", "services.web"),
        ("services: {web: nginx}", "services.web"),
        ("services: {web: {command: x}}", "services.web"),
        ("services: {-web: {image: x}}", "services.-web"),
        ("services: {we b: {image: x}}", "services.we b"),
        ("services: {web: {image: x}}\nvolume: {}", "volume"),
        ("services: {web: {image: x}}\nsecrets: [a]", "secrets"),
        ("services: {web: {image: x}}\nconfigs: {a: {}}", "configs.a"),
        ("services: {web: {image: x}}\ninclude: [a]", "include"),
        ("services: {web: {image: x}}\nvolumes: [a]", "volumes"),
        ("services: {web: {image: x}}\nnetworks: 1", "networks"),
        ("x-only: 1", ""),
    ],
)
def test_what_is_no_format_is_refused_with_its_path(text: str, where: str) -> None:
    assert refused(text).where == where


@pytest.mark.parametrize("version", ["'1'", "'2.5'", "'3.14'", "4", "two", "''"])
def test_a_version_that_nobody_knows_is_read_as_the_specification(version: str) -> None:
    template = compiled(f"version: {version}\nservices: {{web: {{image: x}}}}")
    assert template.compose_version == "spec"
    assert "read as the Specification has it" in template.warnings[0]


def test_another_name_at_the_top_is_ignored_with_a_warning() -> None:
    assert compiled("name: shop\nservices: {web: {image: x}}").warnings == ()
    assert compiled("name: other\nservices: {web: {image: x}}").warnings == (
        "name: ignored: the project's name is shop",
    )


def test_extensions_are_ignored_everywhere() -> None:
    service = web("x-a: 1, healthcheck: {test: a, x-b: 2}, deploy: {x-c: 3}")
    assert service.definition["healthcheck"] == {"test": "a", "x-b": 2}
    assert "x-a" not in service.definition
    template = compiled("services: {web: {image: x}}\nvolumes: {x-v: 1}\nnetworks: {x-n: 1}")
    assert template.volumes == ()


@pytest.mark.parametrize(
    "key", ["memswap_limit", "shm_size", "kernel_memory", "memswap_reservation"]
)
def test_zero_is_accepted_where_real_templates_have_it(key: str) -> None:
    assert web(f"{key}: 0").definition[key] == 0
    assert web(f"{key}: '0'").definition[key] == 0


def test_what_no_engine_has_may_only_be_zero() -> None:
    for other in ("1", "true", "512m"):
        error = web_refused(f"memswap_reservation: {other}")
        assert error.where == "services.web.memswap_reservation"


def test_the_stray_name_of_a_service_is_ignored() -> None:
    assert web("name: anything").definition == {"image": "nginx"}


def test_a_null_is_as_if_the_key_was_not_there() -> None:
    assert web("ports: , build: , environment: , deploy: {resources: }") == web(
        "deploy: {}"
    ).model_copy(update={"definition": {"image": "nginx", "deploy": {"resources": None}}})


def test_asking_for_nothing_is_accepted() -> None:
    assert web("privileged: false, cap_add: []").definition == {
        "image": "nginx",
        "privileged": False,
    }


@pytest.mark.parametrize(
    "key",
    [key for key, rule in SERVICE_KEYS.items() if rule.verdict in {Verdict.LATER, Verdict.REFUSED}],
)
def test_a_key_that_nobody_honours_is_refused_with_its_path(key: str) -> None:
    error = web_refused(f"{key}: something")
    assert error.where == f"services.web.{key}"
    assert "not supported" in str(error)


@pytest.mark.parametrize(
    "key",
    [
        key
        for key, rule in V1_SERVICE_KEYS.items()
        if rule.verdict in {Verdict.LATER, Verdict.REFUSED}
    ],
)
def test_the_same_holds_for_the_first_format(key: str) -> None:
    assert refused(f"web: {{image: x, {key}: something}}").where == f"web.{key}"


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("env_file", "environment"),
        ("net", "network_mode"),
        ("log_driver", "logging"),
    ],
)
def test_a_refusal_says_what_to_do_instead(key: str, advice: str) -> None:
    assert advice in str(web_refused(f"{key}: x"))


@pytest.mark.parametrize("text", ["services: {web: {build: .}}", "web: {build: ., dockerfile: D}"])
def test_what_has_to_be_built_is_refused_with_what_to_do_instead(text: str) -> None:
    error = refused(text)
    assert error.where.endswith("web.build")
    assert "push it to a registry" in str(error)


def test_how_an_image_was_built_is_only_warned_about() -> None:
    template = compiled("services: {web: {build: {context: .}, image: x}}")
    assert template.services[0].definition == {"image": "x"}
    assert template.warnings == ("services.web.build: nothing is built here: the nodes pull image",)


def test_an_unknown_key_is_refused_with_a_guess() -> None:
    error = web_refused("comand: x")
    assert (error.where, "did you mean command?" in str(error)) == ("services.web.comand", True)


def test_both_spellings_of_a_key_are_one_key() -> None:
    assert web("oom-kill-disable: false").definition["oom_kill_disable"] is False
    error = web_refused("oom-kill-disable: false, oom_kill_disable: false")
    assert "two spellings" in str(error)


def test_a_key_of_later_formats_is_refused_in_the_first_one() -> None:
    error = refused("web: {image: x, depends_on: [db]}\ndb: {image: x}")
    assert (error.where, "version: '2'" in str(error)) == ("web.depends_on", True)


def test_every_section_has_a_rule() -> None:
    assert {"services", "networks", "volumes", "version", "name"} <= set(TOP_LEVEL_KEYS)


def test_many_warnings_are_cut_and_those_that_say_something_new_stay() -> None:
    unset = ", ".join(f"A{i}" for i in range(60))
    crowd = ", ".join(f"db:a{i}" for i in range(150))
    text = f"""
        version: '2'
        services:
          web: {{image: x, container_name: w, external_links: [{crowd}], environment: [{unset}]}}
          db: {{image: x, container_name: d, networks: [far]}}
        networks: {{far: {{driver: overlay}}, unused: }}
    """
    found = compiled(text).warnings
    assert (len(found), found[-1]) == (101, "114 more warnings")
    for told in ("made as a bridge", "no service joins it", "containers are named", "found only"):
        assert any(told in warning for warning in found), told
    everything = compile_template("shop", textwrap.dedent(text), {}, warnings_max=1000).warnings
    assert len(everything) == 214
