"""What is sent: as it is written where it can be, and only the variables that it needs."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.template import compile_template
from tests.compose_corpus.oracles import Sample, samples
from tests.unit.cli.bundle.trees import Folder

COMMENTED = """\
# what we sell
version:   '3.8'
x-env: &env {A: "1"}
services:
  web:   # the front
    image: "nginx:${TAG:-latest}"
    environment:
      <<: *env
    build: .
    extends: base
    ports: [ 80:80 ]\r
    volumes: [/srv:/srv]
  base: {image: x}
"""


def test_a_file_that_refers_to_no_other_is_sent_byte_for_byte(folder: Folder) -> None:
    for text in (COMMENTED, "\ufeff" + COMMENTED, COMMENTED.replace("\n", "\r\n")):
        (folder.path / "compose.yml").write_bytes(text.encode())
        assert folder.bundle().template == text


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_every_template_that_needs_no_file_is_sent_byte_for_byte(
    folder: Folder, sample: Sample
) -> None:
    folder.write("compose.yml", sample.path.read_bytes())
    found = folder.bundle("compose.yml", **sample.environment)
    assert found.template == sample.text
    assert compile_template("shop", found.template, found.environment) == compile_template(
        "shop", sample.text, sample.environment
    )


def test_only_variables_that_are_needed_are_sent(folder: Folder) -> None:
    folder.write(
        "compose.yml",
        """
        services:
          web:
            image: "a:${A}${B:-${C}}${D+x}$$E"
            environment: {F: , G: "${H:-h}", I: 1}
            configs: [j]
            secrets: [k]
          other: {image: x, environment: [L, "M=1"], profiles: [p]}
        configs: {j: {environment: J}}
        secrets: {k: {environment: K}}
        x-ignored: $N
        """,
    )
    shell = {name: name.lower() for name in "ABCDEFGHIJKLMN"}
    found = folder.bundle(**shell, COMPOSE_PROFILES="p", COMPOSE_FILE="compose.yml", PATH="/bin")
    assert found.environment == {
        **{name: name.lower() for name in "ABDFHJKL"},
        "COMPOSE_PROFILES": "p",
    }


def test_what_the_cluster_adds_is_not_missed(folder: Folder) -> None:
    folder.write("compose.yml", "services: {web: {image: 'a:${ACS_PROJECT_VERSION:?}'}}")
    assert folder.bundle().environment == {}


def test_a_required_variable_that_is_unset_is_an_error_with_file_and_path(folder: Folder) -> None:
    folder.write("compose.yml", "services: {web: {image: 'a:${TAG:?choose one}'}}")
    assert str(folder.refused()) == (
        "compose.yml: services.web.image: the variable TAG is required: choose one"
    )


def test_a_rewritten_template_keeps_order_and_types(folder: Folder) -> None:
    folder.write("e", "Z=1")
    folder.write(
        "compose.yml",
        """
        version: '2.4'
        name: shop
        services:
          b: {image: x, environment: {B: "1", A: true, C: 0123, D: "no"}, ports: ["22:22"]}
          a: {image: x, env_file: e, scale: 2}
        networks: {n: }
        """,
    )
    tree = folder.tree()
    assert list(tree) == ["services", "networks"]
    assert list(tree["services"]) == ["b", "a"]
    assert tree["services"]["b"]["environment"] == {"B": "1", "A": True, "C": 83, "D": "no"}
    assert tree["services"]["a"] == {"image": "x", "scale": 2, "environment": {"Z": "1"}}


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r'\\"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.dictionaries(st.from_regex(r"[A-Z]{1,3}", fullmatch=True), VALUES), VALUES)
def test_a_value_of_a_file_arrives_as_it_is(
    folder: Folder, variables: dict[str, str], content: str
) -> None:
    (folder.path / "e").write_text("".join(f"{k}='{v}'\n" for k, v in variables.items()))
    (folder.path / "c").write_bytes(content.encode())
    folder.write("compose.yml", "services: {a: {image: x, env_file: e, volumes: ['./c:/c:ro']}}")
    spec = folder.compiled(A="outside").services[0].spec
    assert spec.environment == variables
    assert spec.files[0].content == content
