"""Templates made to hurt: refused, or read, and cheap either way.

Nothing here looks at a clock. What would be slow is caught by the test's timeout.
"""

import contextlib
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.keys import SERVICE_KEYS, SPELLINGS
from compose.limits import ITEMS_MAX, TEXT_BYTES_MAX
from compose.template import TemplateError, compile_template
from coordinator.placement.expressions import matcher
from tests.unit.compose.templates import compiled, refused

pytestmark = pytest.mark.timeout(10)


def test_a_billion_laughs_are_refused() -> None:
    lines = ["x-a: &a [x,x,x,x,x,x,x,x,x,x]"]
    for before, name in zip(string.ascii_lowercase, string.ascii_lowercase[1:10], strict=False):
        lines.append(f"x-{name}: &{name} [{','.join([f'*{before}'] * 10)}]")
    assert "aliases" in str(refused("\n".join(lines)))


def test_a_long_text_that_aliases_repeat_is_refused() -> None:
    text = f"x-a: &a {'x' * 100_000}\nx-b: [{','.join(['*a'] * 1000)}]"
    assert "aliases" in str(refused(text))


def test_merges_that_multiply_are_refused() -> None:
    keys = ",".join(f"k{i}: 1" for i in range(1000))
    text = f"x-a: &a {{{keys}}}\nx-b: [{','.join(['{<<: *a}'] * 1000)}]"
    assert "aliases" in str(refused(text))


@pytest.mark.parametrize("start", ["[", "{a: ", "- ", "a: [", "a:\n- - - "])
def test_ten_thousand_levels_are_refused(start: str) -> None:
    assert refused(start * 10_000) is not None


def test_a_template_above_a_megabyte_is_refused() -> None:
    assert str(TEXT_BYTES_MAX) in str(refused("#" * (TEXT_BYTES_MAX + 1)))
    assert "bytes" in str(refused("\N{EURO SIGN}" * (TEXT_BYTES_MAX // 3 + 1)))


def test_a_template_of_a_megabyte_is_read() -> None:
    text = "web: {image: x}\n"
    assert compiled("#" * (TEXT_BYTES_MAX - len(text) - 1) + "\n" + text).services


def test_a_megabyte_of_items_is_refused() -> None:
    assert refused("[" + "a," * (TEXT_BYTES_MAX // 2 - 2) + "]") is not None


def test_a_short_text_that_names_a_long_value_often_is_refused() -> None:
    text = f"web: {{image: x, labels: {{a: '{'$A' * 100_000}'}}}}"
    assert "variables" in str(refused(text, A="x" * 1_000_000))


@pytest.mark.parametrize("word", ["${A:-", "${A:+", "${NO:-", "${NO:-x$A"])
def test_variables_nested_without_end_are_refused(word: str) -> None:
    assert "nested" in str(refused(f"web: {{image: '{word * 60_000}'}}", A="a"))


@pytest.mark.parametrize("key", ["ports", "expose"])
def test_ranges_are_counted_as_often_as_they_are_written(key: str) -> None:
    text = f"web: {{image: x, {key}: [{','.join(['1-1000'] * 9_000)}]}}"
    assert refused(text).where == f"web.{key}[1]"


def test_the_ports_of_all_services_are_counted_together() -> None:
    services = "\n".join(f"a{i}: {{image: x, ports: ['1-1000']}}" for i in range(400))
    assert refused(services).where == "a5"


def test_more_services_than_a_record_can_hold_are_refused() -> None:
    assert "500" in str(refused("\n".join(f"a{i}: {{image: x}}" for i in range(501))))


def test_a_long_chain_of_dependencies_is_fine() -> None:
    chain = "\n".join(f"  a{i}: {{image: x, links: [a{i + 1}]}}" for i in range(499))
    assert compiled(f"services:\n{chain}\n  a499: {{image: x}}").services[0].depends_on == ("a1",)


def test_a_cycle_through_all_services_is_refused_in_few_words() -> None:
    cycle = "\n".join(f"  a{i}: {{image: x, links: [a{(i + 1) % 400}]}}" for i in range(400))
    error = refused(f"services:\n{cycle}")
    assert "a0 -> a1 -> a2" in str(error)
    assert len(str(error)) < 300


def test_a_very_long_command_is_refused() -> None:
    assert refused(f"web: {{image: x, command: '{'z ' * 100_000}'}}").where == "web.command"


def test_a_long_key_is_cut_in_the_message() -> None:
    assert len(str(refused(f"web:\n  image: x\n  ? {'k' * 100_000}\n  : 1"))) < 300


@pytest.mark.parametrize(
    "value", ["/(a+)+b/", "/(a|a)*b/", "/a*a*a*a*a*b/", "(a|aa)+x", "/a?a?a?a?a?aaaaab/"]
)
def test_a_pattern_on_which_others_take_exponential_time_is_matched_at_once(value: str) -> None:
    service = compiled(f"web: {{image: x, environment: ['constraint:group=={value}']}}").services[0]
    assert not matcher(service.placement.expressions[0]).holds(["a" * 1000 + "!"])


@pytest.mark.parametrize("entry", ["/a{i}", "/a{i}:/b{i}"])
def test_more_entries_than_anybody_writes_are_refused(entry: str) -> None:
    entries = ",".join(f"'{entry}'".replace("{i}", str(i)) for i in range(ITEMS_MAX + 1))
    assert "entries" in str(refused(f"web: {{image: x, volumes: [{entries}]}}"))


def test_keys_that_nobody_knows_are_refused_at_the_first_one() -> None:
    keys = ", ".join(f"key_number_{i}: v" for i in range(9_000))
    assert refused(f"web: {{image: x, {keys}}}").where == "web.key_number_0"


@pytest.mark.parametrize("path", ["/a" * 400_000, "/" + "a" * 400_000, "/a" * 65])
def test_a_file_s_path_that_no_system_takes_is_refused(path: str) -> None:
    text = "services: {web: {image: x, configs: [{source: a, target: $A}]}}\nconfigs: {a: {content: b}}"
    assert refused(text, A=path).where == "services.web.configs[0].target"


def test_files_beside_very_deep_mounts_are_looked_at_in_no_time() -> None:
    files = ", ".join(f"{{source: a, target: {'/b' * 60}{i}}}" for i in range(3_000))
    deep = "/a" * 200_000
    text = f"services: {{web: {{image: x, configs: [{files}], volumes: ['{deep}', /c]}}}}"
    assert compiled(f"{text}\nconfigs: {{a: {{content: b}}}}").services


def test_an_extended_service_that_is_extended_by_all_others_is_refused() -> None:
    parent = ", ".join(f"A{i}: v" for i in range(9_000))
    others = "\n".join(f"a{i}: {{extends: z}}" for i in range(400))
    text = f"{others}\nz: {{image: x, environment: {{{parent}}}}}"
    assert "too large when extended" in str(refused(text))


_WORDS = st.sampled_from(
    [
        "services:",
        "version:",
        "'2'",
        "3",
        "web:",
        "db:",
        "image:",
        "ports:",
        "volumes:",
        "networks:",
        "environment:",
        "labels:",
        "deploy:",
        "healthcheck:",
        "depends_on:",
        "links:",
        "command:",
        "aliyun.scale:",
        "aliyun.probe.url:",
        "-",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "&",
        "*",
        "&a",
        "*a",
        "<<:",
        "?",
        "|",
        ">",
        "!",
        "!!str",
        "#",
        "'",
        '"',
        "$A",
        "${",
        "${A:-",
        "}",
        "$$",
        "22:22",
        "0644",
        "on",
        "null",
        "~",
        "80",
        "1-9:1-9",
        "a:/b:ro",
        "/x",
        "./y",
        "~/z",
        "1m30s",
        "constraint:a==b",
        "reschedule:off",
        "restart:",
        "no",
        "mem_limit:",
        "1g",
        "x-a:",
        "---",
        "...",
    ]
)
_BLANKS = st.sampled_from([" ", "\n", "\n ", "\n  ", "\n    ", "", "\t", "\r\n"])


@given(st.lists(st.tuples(_WORDS, _BLANKS), max_size=60))
def test_no_soup_of_template_words_raises_anything_else(pieces: list[tuple[str, str]]) -> None:
    _harmless("".join(word + blank for word, blank in pieces))


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    _harmless(text)


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["a:b:c", "/a:/b", "80:80", "host", "db", "db:x", "1g", "5s", "always", "x=y"]),
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = sorted({*SERVICE_KEYS, *SPELLINGS, "x-note", "unknown"} - {"image"})


@given(st.dictionaries(st.sampled_from(_KEYS), _TREES, max_size=4), _TREES, _TREES)
def test_no_value_of_a_known_key_raises_anything_else(
    service: dict[str, object], networks: object, volumes: object
) -> None:
    whole = {"image": "nginx", **service}
    template = {"version": "2.4", "services": {"web": whole, "db": {"image": "mysql"}}}
    # JSON is YAML. The service alone comes first: faulty sections would hide it.
    _harmless(json.dumps(template))
    _harmless(json.dumps({**template, "networks": networks, "volumes": volumes}))


def _harmless(text: str) -> None:
    # TemplateError is the one way out besides an answer that can be sent on.
    with contextlib.suppress(TemplateError):
        assert compile_template("shop", text, {"A": "a"}).model_dump_json()
