"""Files laid over each other, `include`, and `extends` across files."""

import pytest

from tests.unit.cli.bundle.trees import Folder


def test_a_path_means_what_it_means_from_the_directory_of_the_first_file(folder: Folder) -> None:
    folder.write("a/compose.yml", "services: {web: {image: x, env_file: e}}")
    folder.write("b/more.yml", "services: {web: {env_file: f}}")
    folder.write("a/e", "A=a")
    folder.write("a/f", "B=a")
    folder.write("b/f", "B=b")
    service = folder.tree("a/compose.yml", "b/more.yml")["services"]["web"]
    assert service["environment"] == {"A": "a", "B": "a"}


def test_a_path_of_an_extended_file_is_relative_to_that_file(folder: Folder) -> None:
    folder.write("compose.yml", "services: {web: {extends: {file: a/b.yml, service: base}}}")
    folder.write(
        "a/b.yml",
        "services: {base: {image: x, env_file: e, extends: {file: c/d.yml, service: root}}}",
    )
    folder.write("a/c/d.yml", "services: {root: {tty: true, env_file: [e]}}")
    folder.write("a/e", "A=a")
    folder.write("a/c/e", "A=c\nC=c")
    service = folder.tree()["services"]["web"]
    assert service == {"tty": True, "image": "x", "environment": {"A": "a", "C": "c"}}


def test_variables_stay_variables_where_everybody_has_them(folder: Folder) -> None:
    folder.write("compose.yml", "services: {web: {extends: {file: b.yml, service: base}}}")
    folder.write("b.yml", "services: {base: {image: 'x:${TAG}', command: $$HOME}}")
    found = folder.bundle(TAG="1", OTHER="2")
    assert "x:${TAG}" in found.template
    assert found.environment == {"TAG": "1"}


def test_variables_of_an_included_project_have_their_values(folder: Folder) -> None:
    folder.write(
        "compose.yml", "include: [sub/compose.yml]\nservices: {web: {image: 'w:${IN-no}'}}"
    )
    folder.write(
        "sub/compose.yml",
        """
        services:
          db:
            image: "db:${IN}-${OUT}"
            command: "${OUT} $$x"
            environment: [IN, OUT]
            labels: {a: "$$ ${IN}"}
            configs: [c]
        configs: {c: {environment: IN}}
        """,
    )
    folder.write("sub/.env", "IN=a$$b\nOUT=ignored")
    found = folder.bundle(OUT="out")
    db = folder.tree(OUT="out")["services"]["db"]
    assert db["image"] == "db:a$$b-out"
    assert db["command"] == "${OUT} $$x"
    assert db["environment"] == ["IN=a$$b", "OUT"]
    assert db["labels"] == {"a": "$$ a$$b"}
    assert folder.tree(OUT="out")["configs"] == {"c": {"content": "a$$b"}}
    assert found.environment == {"OUT": "out"}
    labels = {"db": {"a": "$ a$b"}, "web": {}}
    with_tag = folder.path / "sub" / "compose.yml"
    with_tag.write_text(with_tag.read_text().replace("db:${IN}-", "db:"))
    services = folder.compiled(OUT="out").services
    assert {one.name: one.spec.labels for one in services} == labels


@pytest.mark.parametrize(
    "include",
    ["sub/a.yml", "[sub/a.yml]", "[{path: sub/a.yml}]", "[{path: [sub/a.yml, sub/b.yml]}]"],
)
def test_every_form_of_include_brings_services(folder: Folder, include: str) -> None:
    folder.write("compose.yml", f"include: {include}")
    folder.write("sub/a.yml", "services: {db: {image: a}}\nvolumes: {v: }")
    folder.write("sub/b.yml", "services: {db: {image: a}}")
    assert folder.tree() == {"services": {"db": {"image": "a"}}, "volumes": {"v": None}}


def test_an_included_service_can_be_extended(folder: Folder) -> None:
    folder.write("compose.yml", "include: [a.yml]\nservices: {web: {extends: db, tty: true}}")
    folder.write("a.yml", "services: {db: {image: a}}")
    assert folder.tree()["services"]["web"] == {"image": "a", "tty": True}


def test_what_is_brought_twice_must_be_the_same(folder: Folder) -> None:
    folder.write("compose.yml", "include: [a.yml, b.yml]\nnetworks: {n: {internal: true}}")
    folder.write("a.yml", "services: {db: {image: a}}\nnetworks: {n: {internal: true}}")
    folder.write("b.yml", "networks: {n: {internal: true}}")
    assert folder.tree()["networks"] == {"n": {"internal": True}}
    folder.write("b.yml", "services: {db: {image: b}}")
    error = folder.refused()
    assert error.where == "compose.yml: include[1]"
    assert "brings services.db, which is there already" in str(error)


def test_another_directory_and_other_variables_can_be_given_to_what_is_included(
    folder: Folder,
) -> None:
    folder.write(
        "compose.yml",
        "include: [{path: sub/a.yml, project_directory: dir, env_file: [e, f]}]",
    )
    folder.write("sub/a.yml", "services: {db: {image: 'a:${A}${B}', env_file: g}}")
    folder.write("e", "A=1")
    folder.write("f", "B=2$A")
    folder.write("dir/g", "G=1")
    assert folder.tree()["services"]["db"] == {"image": "a:121", "environment": {"G": "1"}}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"compose.yml": "include: [a.yml]", "a.yml": "include: [compose.yml]"},
            "compose.yml -> a.yml -> compose.yml",
        ),
        (
            {
                "compose.yml": "services: {a: {extends: {file: a.yml, service: b}}}",
                "a.yml": "services: {b: {extends: {file: compose.yml, service: a}}}",
            },
            "services extend each other in a circle",
        ),
        ({"compose.yml": "services: {a: {env_file: e, extends: a}}"}, "in a circle"),
        (
            {"compose.yml": "services: {a: {extends: {file: none.yml, service: b}}}"},
            "compose.yml: services.a.extends.file: none.yml: there is no such file",
        ),
        (
            {
                "compose.yml": "services: {a: {extends: {file: a.yml, service: b}}}",
                "a.yml": "services: {c: {image: x}}",
            },
            "compose.yml: services.a.extends: there is no service b in a.yml",
        ),
        (
            {"compose.yml": "services: {a: {extends: {file: a.yml}}}", "a.yml": "services: {}"},
            "compose.yml: services.a.extends: needs the name of a service",
        ),
        ({"compose.yml": "include: [{env_file: e}]"}, "compose.yml: include[0]: needs the path"),
        ({"compose.yml": "include: [none.yml]"}, "none.yml: there is no such file"),
        ({"compose.yml": "include: ['oci://a/b']"}, "is not on this machine: download it"),
        ({"compose.yml": "include: ['https://a/b.git']"}, "is not on this machine"),
        ({"compose.yml": "include: [5]"}, "must be a path"),
        (
            {"compose.yml": "include: ['${A:?why}']"},
            "compose.yml: include[0]: the variable A is required: why",
        ),
        ({"compose.yml": "services: [a"}, "compose.yml: line 2, column 1: not valid YAML"),
        ({"compose.yml": ""}, "compose.yml: the file is empty"),
        ({"compose.yml": "- a"}, "compose.yml: line 1, column 1: the template must be a mapping"),
    ],
)
def test_what_cannot_be_put_together_is_refused_with_its_place(
    folder: Folder, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        folder.write(name, text)
    assert message in str(folder.refused("compose.yml"))


def test_kinds_that_cannot_be_merged_are_refused_with_file_and_path(folder: Folder) -> None:
    folder.write("compose.yml", "services: {web: {image: x, ports: ['80']}}")
    folder.write("more.yml", "services: {web: {ports: {a: b}}}")
    error = folder.refused("compose.yml", "more.yml")
    assert error.where == "more.yml: services.web.ports"


def test_a_long_chain_of_files_is_refused(folder: Folder) -> None:
    for number in range(40):
        folder.write(f"{number}.yml", f"include: [{number + 1}.yml]")
    folder.write("40.yml", "services: {a: {image: x}}")
    assert "more than 32 deep" in str(folder.refused("0.yml"))


def test_documents_of_one_file_are_laid_over_each_other(folder: Folder) -> None:
    folder.write("compose.yml", "services: {a: {image: x}}\n---\nservices: {a: {tty: true}}")
    assert folder.tree()["services"] == {"a": {"image": "x", "tty": True}}


def test_marks_of_one_file_alone_are_resolved(folder: Folder) -> None:
    folder.write(
        "compose.yml", "services: {a: {image: x, tty: !reset true, ports: !override ['1']}}"
    )
    assert folder.tree()["services"] == {"a": {"image": "x", "ports": ["1"]}}


def test_a_mark_of_an_extending_service_counts_for_earlier_files_too(folder: Folder) -> None:
    folder.write("compose.yml", "services: {a: {image: x, ports: ['1'], labels: [a=b]}}")
    folder.write(
        "more.yml",
        """
        services:
          a: {extends: base, ports: !override ['2'], labels: !reset null}
          base: {image: y, ports: ['3'], labels: [c=d]}
        """,
    )
    found = folder.tree("compose.yml", "more.yml")["services"]
    assert found["a"] == {"image": "y", "ports": ["2"]}
    assert found["base"]["ports"] == ["3"]
