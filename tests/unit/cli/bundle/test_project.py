"""Which files, whose variables, and what the project is called."""

import pytest

from cli.bundle.project import normalised
from cli.errors import UsageError
from schemas.names import is_project_name
from tests.unit.cli.bundle.trees import Folder

WEB = "services: {web: {image: 'a:${V-none}'}}\n"


def test_a_file_of_the_usual_name_is_found_here_or_above(folder: Folder) -> None:
    folder.write("docker-compose.yml", WEB)
    folder.write("a/b/c.txt", "")
    found = folder.bundle(cwd="a/b")
    assert (found.name, found.template) == ("shop", WEB)


def test_of_several_usual_names_the_first_one_counts(folder: Folder) -> None:
    folder.write("docker-compose.yaml", "services: {old: {image: x}}")
    folder.write("compose.yml", "services: {newer: {image: x}}")
    folder.write("compose.yaml", "services: {newest: {image: x}}")
    assert list(folder.tree()["services"]) == ["newest"]
    assert folder.bundle().warnings == (
        "compose.yaml: is read, and not compose.yml, docker-compose.yaml",
    )


def test_an_override_file_is_laid_over_the_file_that_was_found_and_no_other(
    folder: Folder,
) -> None:
    folder.write("compose.yml", WEB)
    folder.write("docker-compose.override.yml", "services: {web: {tty: true}}")
    assert folder.tree()["services"]["web"]["tty"] is True
    assert folder.tree("compose.yml")["services"]["web"] == {"image": "a:${V-none}"}


def test_without_any_file_the_usual_names_are_told(folder: Folder) -> None:
    with pytest.raises(UsageError, match=r"compose\.yaml, .* here or above: name a file with -f"):
        folder.bundle()


def test_compose_file_names_the_files_too(folder: Folder) -> None:
    folder.write("a.yml", WEB)
    folder.write("b.yml", "services: {other: {image: x}}")
    folder.write(".env", "COMPOSE_FILE=a.yml;b.yml\nCOMPOSE_PATH_SEPARATOR=;\nV=1")
    assert list(folder.tree()["services"]) == ["web", "other"]
    assert folder.bundle(COMPOSE_FILE="b.yml").environment == {}


def test_a_file_is_read_from_a_pipe(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        class buffer:  # noqa: N801
            @staticmethod
            def read(_most: int) -> bytes:
                return b"services: {web: {image: x, env_file: e}}"

    monkeypatch.setattr("sys.stdin", Pipe)
    folder.write("e", "A=1")
    assert folder.tree("-")["services"]["web"]["environment"] == {"A": "1"}


def test_a_file_that_is_not_there_is_named(folder: Folder) -> None:
    assert str(folder.refused("none.yml")) == "none.yml: there is no such file"


def test_the_shell_wins_over_files_and_an_option_over_both(folder: Folder) -> None:
    folder.write("compose.yml", WEB)
    folder.write(".env", "V=file")
    assert folder.bundle().environment == {"V": "file"}
    assert folder.bundle(V="shell").environment == {"V": "shell"}
    assert folder.bundle(env=["V=option"], V="shell").environment == {"V": "option"}
    assert folder.bundle(env=["V="], V="shell").environment == {"V": ""}
    assert folder.bundle(env=["V=a=b"]).environment == {"V": "a=b"}


def test_a_name_alone_takes_the_shell_s_value_or_the_file_s(folder: Folder) -> None:
    folder.write("compose.yml", WEB)
    assert folder.bundle(env=["V"], V="shell").environment == {"V": "shell"}
    with pytest.raises(UsageError, match="-e V: has no value"):
        folder.bundle(env=["V"])
    folder.write(".env", "V=file")
    assert folder.bundle(env=["V"]).environment == {"V": "file"}


def test_files_of_variables_are_read_in_turn_and_in_place_of_the_usual_one(folder: Folder) -> None:
    folder.write("compose.yml", "services: {web: {image: 'a:${A}${B}${C}'}}")
    folder.write("one", "A=1\nB=1")
    folder.write("two", "B=2$A")
    folder.write(".env", "C=3")
    assert folder.bundle(env_files=["one", "two"]).environment == {"A": "1", "B": "21"}
    assert str(_refused(folder, env_files=["none"])) == "--env-file: none: there is no such file"


def test_compose_s_own_variables_choose_files_of_variables(folder: Folder) -> None:
    folder.write("compose.yml", WEB)
    folder.write(".env", "V=usual")
    folder.write("one", "V=1")
    folder.write("two", "V=2")
    assert folder.bundle(COMPOSE_ENV_FILES="one,two").environment == {"V": "2"}
    assert folder.bundle(COMPOSE_DISABLE_ENV_FILE="true").environment == {}


def test_a_fault_in_a_file_of_variables_names_file_and_line(folder: Folder) -> None:
    folder.write("compose.yml", WEB)
    folder.write(".env", "A=1\nB C=2")
    assert str(folder.refused()) == ".env: line 2: 'B C' is no variable's name"


def test_the_variables_are_those_of_the_first_file_s_directory(folder: Folder) -> None:
    folder.write("sub/compose.yml", WEB)
    folder.write("sub/.env", "V=sub")
    folder.write(".env", "V=here")
    assert folder.bundle("sub/compose.yml").environment == {"V": "sub"}
    assert folder.bundle("sub/compose.yml").name == "sub"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("My_App", "my-app"),
        ("_a.b c", "abc"),
        ("-9", "9"),
        ("Ünlü", "nl"),
        ("ä", ""),
        ("a" * 70, "a" * 64),
    ],
)
def test_a_name_is_made_one_of_ours(said: str, name: str) -> None:
    assert normalised(said) == name
    assert not name or is_project_name(name)


def test_the_name_is_the_option_s_then_the_variable_s_then_the_file_s(folder: Folder) -> None:
    folder.write("compose.yml", "name: from-${V:-file}\n" + WEB)
    folder.write("more.yml", "name: more")
    assert folder.bundle(name="Option", COMPOSE_PROJECT_NAME="variable").name == "Option"
    assert folder.bundle(COMPOSE_PROJECT_NAME="variable").name == "variable"
    assert folder.bundle().name == "from-file"
    assert folder.bundle("compose.yml", "more.yml").name == "more"
    with pytest.raises(UsageError, match="can't name a project"):
        folder.bundle(name="my_app")


def test_a_name_that_becomes_another_is_told(folder: Folder) -> None:
    folder.write("compose.yml", "name: my_app\n" + WEB)
    found = folder.bundle()
    assert found.name == "my-app"
    assert found.warnings == ("name: the project is called my-app: a name has a-z, 0-9 and -",)


def test_the_project_s_name_is_a_variable_of_its_files_and_never_sent(folder: Folder) -> None:
    folder.write("compose.yml", "services: {web: {image: $COMPOSE_PROJECT_NAME}}")
    assert folder.bundle(name="x").environment == {}
    folder.write("x/a.conf", "")
    folder.write(
        "compose.yml", "services: {web: {image: a, env_file: $COMPOSE_PROJECT_NAME/a.conf}}"
    )
    assert folder.bundle(name="x").name == "x"


@pytest.mark.parametrize("env", ["=x", "", "A B=1"])
def test_an_assignment_has_a_name(folder: Folder, env: str) -> None:
    folder.write("compose.yml", WEB)
    with pytest.raises(UsageError, match="must be NAME=value, or NAME"):
        folder.bundle(env=[env])


def _refused(folder: Folder, env_files: list[str]) -> BaseException:
    with pytest.raises(Exception, match="no such file") as caught:
        folder.bundle(env_files=env_files)
    return caught.value
