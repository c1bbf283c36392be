"""What files of this machine become: variables, labels, configs, contents, or a refusal."""

import pytest

from compose.limits import FILE_BYTES_MAX
from compose.parse import parse
from tests.unit.cli.bundle.trees import Folder

WEB = "services: {{web: {{image: x, {}}}}}\n"


def test_variables_of_files_are_below_those_of_the_service(folder: Folder) -> None:
    folder.write("e", "A=file\nB=$V${W-w}\nC='$c'")
    folder.write("compose.yml", WEB.format("env_file: e, environment: {A: '${V}', D: 1}"))
    service = folder.tree(V="v")["services"]["web"]
    assert service == {
        "image": "x",
        "environment": {"A": "${V}", "B": "vw", "C": "$$c", "D": 1},
    }
    spec = folder.compiled(V="v").services[0].spec
    assert spec.environment == {"A": "v", "B": "vw", "C": "$c", "D": "1"}


def test_a_list_of_variables_stays_a_list_with_its_expressions(folder: Folder) -> None:
    folder.write("e", "A=file\nB=file")
    environment = "['affinity:service!=a', 'affinity:service!=b', A=own]"
    folder.write("compose.yml", WEB.format(f"env_file: e, environment: {environment}"))
    found = folder.tree()["services"]["web"]["environment"]
    assert found == ["A=own", "B=file", "affinity:service!=a", "affinity:service!=b"]
    assert len(folder.compiled().services[0].placement.expressions) == 2


def test_a_variable_that_is_only_named_is_not_taken_from_a_file(folder: Folder) -> None:
    folder.write("e", "A=file\nB=file")
    folder.write("compose.yml", WEB.format("env_file: e, environment: [A, B]"))
    assert folder.compiled(A="shell").services[0].spec.environment == {"A": "shell"}


def test_a_file_sees_the_service_s_variables_but_the_project_s_first(folder: Folder) -> None:
    folder.write("e", "SEEN=$A-$B")
    folder.write("compose.yml", WEB.format("env_file: e, environment: {A: own, B: own}"))
    found = folder.compiled(B="shell").services[0].spec.environment
    assert found["SEEN"] == "own-shell"


def test_a_file_of_variables_may_be_missing_only_where_it_is_not_required(folder: Folder) -> None:
    folder.write("compose.yml", WEB.format("env_file: [{path: none, required: false}]"))
    assert folder.tree()["services"]["web"] == {"image": "x", "environment": {}}
    folder.write("compose.yml", WEB.format("env_file: [none]"))
    assert str(folder.refused()) == (
        "compose.yml: services.web.env_file[0]: none: there is no such file"
    )


def test_a_fault_in_a_file_of_variables_names_it(folder: Folder) -> None:
    folder.write("e", "A=1\nB C")
    folder.write("compose.yml", WEB.format("env_file: e"))
    assert str(folder.refused()) == "e: line 2: 'B C' is no variable's name"


def test_a_format_that_is_none_is_refused(folder: Folder) -> None:
    folder.write("e", "A=1")
    folder.write("compose.yml", WEB.format("env_file: [{path: e, format: toml}]"))
    assert "toml is no format" in str(folder.refused())


def test_labels_of_files_are_below_those_of_the_service(folder: Folder) -> None:
    folder.write("l", "a=file\nb=$no$$")
    folder.write("compose.yml", WEB.format("label_file: l, labels: {a: own}"))
    assert folder.compiled().services[0].spec.labels == {"a": "own", "b": "$"}


def test_a_mounted_file_becomes_a_config_with_its_rights(folder: Folder) -> None:
    folder.write("a.sh", "echo $A ${B}\n", mode=0o777)
    folder.write("b.conf", "b", mode=0o664)
    mounts = "['./a.sh:/a.sh:ro', './b.conf:/b.conf', '../shop/a.sh:/c.sh:ro,z']"
    folder.write("compose.yml", WEB.format(f"volumes: {mounts}"))
    (service,) = folder.compiled().services
    assert [(one.target, one.mode) for one in service.spec.files] == [
        ("/a.sh", 0o555),
        ("/b.conf", 0o644),
        ("/c.sh", 0o555),
    ]
    assert service.spec.files[0].content == "echo $A ${B}\n"
    assert service.spec.volumes == ()
    assert list(folder.tree()["configs"]) == ["a.sh", "b.conf"]
    assert folder.bundle().warnings == (
        (
            "compose.yml: services.web.volumes[1]: ./b.conf becomes a config: what a container writes "
            "to it is the container's own, and gone with it"
        ),
    )


def test_a_file_that_not_everybody_may_read_keeps_its_owner(folder: Folder) -> None:
    folder.write("key", "k", mode=0o640)
    folder.write("compose.yml", WEB.format("volumes: ['./key:/key:ro']"))
    owner = (folder.path / "key").stat()
    (file,) = folder.compiled().services[0].spec.files
    assert (file.mode, file.uid, file.gid) == (0o440, owner.st_uid, owner.st_gid)


@pytest.mark.parametrize(
    "mount",
    [
        "'./conf/a:/a:ro'",
        "'${DIR}/a:/a:ro'",
        "'${NO:-./conf}/a:/a:ro'",
        "'${PWD}/conf/a:/a:ro'",
        "'$PWD/conf/a:/a:ro'",
        "'~/conf/a:/a:ro'",
        "{type: bind, source: ./conf/a, target: /a, read_only: true}",
        "{type: bind, source: conf/a, target: /a, read_only: true}",
        "{type: bind, source: '${DIR}/a', target: '${T}', read_only: true}",
    ],
)
def test_every_way_to_name_a_file_of_this_machine(folder: Folder, mount: str) -> None:
    folder.write("conf/a", "here")
    folder.write("home/conf/a", "here")
    folder.write("compose.yml", WEB.format(f"volumes: [{mount}]"))
    (file,) = folder.compiled(DIR="./conf", T="/a").services[0].spec.files
    assert (file.target, file.content, file.mode) == ("/a", "here", 0o444)


@pytest.mark.parametrize(
    "mount",
    ["/etc/hosts:/h", "data:/d", "/anonymous", "'${DIR}:/d'", "{type: tmpfs, target: /t}"],
)
def test_every_other_mount_is_sent_as_it_is(folder: Folder, mount: str) -> None:
    text = WEB.format(f"volumes: [{mount}]") + "volumes: {data: }\n"
    folder.write("compose.yml", text)
    assert folder.bundle(DIR="/srv").template == text


def test_files_of_one_name_are_configs_of_several_names(folder: Folder) -> None:
    for name in ("a/.x", "b/.x", "c/d e"):
        folder.write(name, name)
    mounts = "['./a/.x:/1:ro', './b/.x:/2:ro', './c/d e:/3:ro', './a/.x:/4:ro']"
    folder.write("compose.yml", WEB.format(f"volumes: {mounts}") + "configs: {x: {content: own}}")
    tree = folder.tree()
    assert tree["configs"] == {
        "x": {"content": "own"},
        "x-2": {"content": "a/.x"},
        "x-3": {"content": "b/.x"},
        "d-e": {"content": "c/d e"},
    }
    used = [one["source"] for one in tree["services"]["web"]["configs"]]
    assert used == ["x-2", "x-3", "d-e", "x-2"]


def test_all_mounts_that_no_node_could_make_are_refused_at_once(folder: Folder) -> None:
    folder.write("data/a", "")
    mounts = "['./data:/data', './none:/n', {type: bind, source: ./data, target: /e}]"
    folder.write("compose.yml", WEB.format(f"volumes: {mounts}"))
    error = folder.refused()
    assert error.where == "compose.yml: services.web.volumes[0]"
    assert error.message == (
        "./data is a directory of this machine, which no node has: use a shared volume "
        "(troopers volume create), a named volume, or build it into the image; "
        "compose.yml: services.web.volumes[1] too; "
        "compose.yml: services.web.volumes[2].source too"
    )


def test_a_path_that_is_not_there_is_refused(folder: Folder) -> None:
    folder.write("compose.yml", WEB.format("volumes: ['./none:/n']"))
    assert "./none is not on this machine, and no node would have it" in str(folder.refused())


def test_a_volume_that_is_a_directory_of_this_machine_is_refused(folder: Folder) -> None:
    options = "{driver: local, driver_opts: {type: none, o: bind, device: %s}}"
    text = WEB.format("volumes: ['v:/v']") + "volumes: {v: %s}\n"
    folder.write("compose.yml", text % (options % "./data"))
    assert folder.refused().where == "compose.yml: volumes.v.driver_opts.device"
    folder.write("compose.yml", text % (options % "/srv/data"))
    assert folder.bundle().warnings == ()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\0b"])
def test_a_file_that_is_no_text_is_refused(folder: Folder, content: bytes) -> None:
    folder.write("b", content)
    folder.write("compose.yml", WEB.format("volumes: ['./b:/b:ro']"))
    assert "is no text" in str(folder.refused())
    folder.write("compose.yml", WEB.format("configs: [c]") + "configs: {c: {file: b}}")
    assert folder.refused().where == "compose.yml: configs.c.file"


def test_a_file_that_is_too_large_is_refused(folder: Folder) -> None:
    folder.write("b", "x" * FILE_BYTES_MAX)
    folder.write("compose.yml", WEB.format("volumes: ['./b:/b:ro']"))
    assert len(folder.compiled().services[0].spec.files[0].content) == FILE_BYTES_MAX
    folder.write("b", "x" * (FILE_BYTES_MAX + 1))
    assert f"longer than {FILE_BYTES_MAX} bytes" in str(folder.refused())


def test_files_that_are_too_large_together_are_refused(folder: Folder) -> None:
    for name in "abc":
        folder.write(name, "x" * 400_000)
    folder.write("compose.yml", WEB.format("volumes: ['./a:/a:ro', './b:/b:ro', './c:/c:ro']"))
    assert "with all that it refers to it has 1200" in str(folder.refused())


def test_a_file_in_a_container_that_nobody_may_write_to_is_refused(folder: Folder) -> None:
    folder.write("a", "")
    folder.write("compose.yml", WEB.format("read_only: true, volumes: ['./a:/a:ro']"))
    assert "read-only container: leave read_only out" in str(folder.refused())


def test_configs_and_secrets_have_what_their_files_have(folder: Folder) -> None:
    folder.write("a", "$A\n")
    folder.write("sub/b", b" b ")
    folder.write(
        "compose.yml",
        WEB.format("configs: [c, {source: d, target: /d, mode: 0400}], secrets: [s]")
        + f"configs: {{c: {{file: ./a}}, d: {{file: '{folder.path}/sub/b'}}}}\n"
        + "secrets: {s: {file: sub/b}, unused: {file: none}}\n",
    )
    files = {one.target: one.content for one in folder.compiled().services[0].spec.files}
    assert files == {"/c": "$A\n", "/d": " b ", "/run/secrets/s": " b "}
    assert folder.tree()["secrets"] == {"s": {"content": " b "}}
    assert parse(folder.compiled().shown_text)["secrets"] == {"s": {"content": "***"}}
    assert folder.bundle().warnings == (
        "compose.yml: secrets.unused.file: no service has it: left out",
    )


def test_a_profile_of_system_calls_is_written_out(folder: Folder) -> None:
    folder.write("p.json", '{"a": "$"}\n')
    folder.write("compose.yml", WEB.format("security_opt: ['seccomp:./p.json', label=disable]"))
    spec = folder.compiled().services[0].spec
    assert spec.security_opt == ('seccomp={"a": "$"}', "label=disable")


def test_nothing_is_read_for_services_that_no_profile_chooses(folder: Folder) -> None:
    text = (
        "services: {web: {image: x, env_file: e}, debug: {image: x, profiles: [debug], "
        "env_file: none, volumes: ['./none:/n'], secrets: [s]}}\nsecrets: {s: {file: none}}"
    )
    folder.write("compose.yml", text)
    folder.write("e", "A=1")
    found = folder.bundle()
    assert list(folder.tree()["services"]) == ["web"]
    assert "compose.yml" not in found.warnings[0]
    assert found.warnings[0].startswith("services.debug.profiles: left out")
    assert "none: there is no such file" in str(folder.refused(COMPOSE_PROFILES="debug"))


def test_the_first_format_stays_the_first_format(folder: Folder) -> None:
    folder.write("e", "A=1")
    folder.write("compose.yml", "web: {image: x, net: host, env_file: e}")
    assert folder.tree() == {"web": {"image": "x", "net": "host", "environment": {"A": "1"}}}
    assert folder.compiled().compose_version == "1"
    folder.write("compose.yml", "web: {image: x, volumes: ['./e:/e:ro']}")
    assert "put the services below services:" in str(folder.refused())


def test_a_variable_that_a_file_misses_is_told_with_the_file(folder: Folder) -> None:
    folder.write("e", "A=$NO")
    folder.write("compose.yml", WEB.format("env_file: e"))
    assert folder.bundle().warnings == ("e: the variable NO is not set: it is taken as empty",)
