"""What a service mounts, and the volumes that a project declares."""

import pytest

from schemas.desired import DesiredVolume
from schemas.service import VolumeMount
from tests.unit.compose.templates import compiled, refused, warnings, web, web_refused

DECLARED = (
    "volumes: {data: , kept: {external: true}, own: {name: mine}, old: {external: {name: older}}}"
)


@pytest.mark.parametrize(
    ("entry", "mount"),
    [
        ("data:/d", VolumeMount(type="volume", source="shop_data", target="/d")),
        ("kept:/d", VolumeMount(type="volume", source="kept", target="/d")),
        ("own:/d", VolumeMount(type="volume", source="mine", target="/d")),
        ("old:/d", VolumeMount(type="volume", source="older", target="/d")),
        ("/anonymous", VolumeMount(type="volume", target="/anonymous")),
        ("/h:/d:ro", VolumeMount(type="bind", source="/h", target="/d", read_only=True)),
        ("/h:/d:rw", VolumeMount(type="bind", source="/h", target="/d")),
        ("//h/../i/:/d//e/", VolumeMount(type="bind", source="/i", target="/d/e")),
        ("/h:/d:cached", VolumeMount(type="bind", source="/h", target="/d")),
        ("/h:/d:z", VolumeMount(type="bind", source="/h", target="/d", selinux="shared")),
        (
            "'/h:/d:ro,Z,rslave'",
            VolumeMount(
                type="bind",
                source="/h",
                target="/d",
                read_only=True,
                selinux="private",
                propagation="rslave",
            ),
        ),
        (
            "data:/d:nocopy",
            VolumeMount(type="volume", source="shop_data", target="/d", no_copy=True),
        ),
        (
            "{type: volume, source: data, target: /d, read_only: true, volume: {nocopy: true}}",
            VolumeMount(
                type="volume", source="shop_data", target="/d", read_only=True, no_copy=True
            ),
        ),
        ("{type: volume, target: /d}", VolumeMount(type="volume", target="/d")),
        (
            "{type: bind, source: /h, target: /d, bind: {propagation: shared, selinux: z}}",
            VolumeMount(
                type="bind", source="/h", target="/d", propagation="shared", selinux="shared"
            ),
        ),
        (
            "{type: bind, source: /h, target: /d, consistency: cached, bind: {create_host_path: true}}",
            VolumeMount(type="bind", source="/h", target="/d"),
        ),
        ("{type: tmpfs, target: /t}", VolumeMount(type="tmpfs", target="/t")),
        (
            "{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0700}}",
            VolumeMount(type="tmpfs", target="/t", tmpfs_size_bytes=1048576, tmpfs_mode=0o700),
        ),
    ],
)
def test_every_syntax_gives_one_form(entry: str, mount: VolumeMount) -> None:
    assert web(f"volumes: [{entry}]", DECLARED).spec.volumes == (mount,)


@pytest.mark.parametrize(
    "entry",
    [
        "./h:/d",
        "../h:/d",
        ".:/d",
        "~/h:/d",
        "h/i:/d",
        "'C:\\h:/d'",
        "data:d",
        "relative",
        "data:/",
        "'data:/d:'",
        "':/d'",
        "data:/d:ro:rw",
        "'data:/d:ro,rw'",
        "data:/d:exec",
        "data:/d:rslave",
        "/h:/d:nocopy",
        "/d:/d:''",
        "5",
        "[a]",
        "{target: /d}",
        "{type: npipe, target: /d}",
        "{type: bind, target: /d}",
        "{type: bind, source: data, target: /d}",
        "{type: bind, source: ./x, target: /d}",
        "{type: volume, source: /h, target: /d}",
        "{type: tmpfs, source: data, target: /d}",
        "{type: tmpfs, target: /d, bind: {}}",
        "{type: tmpfs, target: /d, tmpfs: {mode: 010000}}",
        "{type: bind, source: /h, target: /d, bind: {propagation: x}}",
        "{type: bind, source: /h, target: /d, bind: {selinux: x}}",
        "{type: bind, source: /h, target: /d, bind: {create_host_path: false, selinux: z}}",
        "{type: volume, target: /d, volume: {subpath: x}}",
        "{type: volume, target: /d, consistency: x}",
    ],
)
def test_what_cannot_be_mounted_is_refused_with_its_path(entry: str) -> None:
    error = web_refused(f"volumes: [/ok, {entry}]", DECLARED)
    assert error.where.startswith("services.web.volumes[1]")


def test_a_relative_path_is_refused_with_the_reason() -> None:
    assert "no directory" in str(web_refused("volumes: [./html:/html]"))


def test_of_two_mounts_in_one_place_the_last_one_counts() -> None:
    (mount,) = web("volumes: [/a, '/h:/a/']").spec.volumes
    assert (mount.source, mount.target) == ("/h", "/a")
    assert warnings("volumes: [/a, '/h:/a/']") == (
        "services.web.volumes[1]: replaces what is mounted at /a: the last one counts",
    )
    assert warnings("volumes: ['/h:/a', '/h:/a/']") == (
        "services.web.volumes[1]: is there twice: the last one counts",
    )


def test_an_undeclared_volume_is_refused_with_the_cure() -> None:
    error = web_refused("volumes: [nas:/d]")
    assert (error.where, "section volumes" in str(error)) == ("services.web.volumes[0]", True)


def test_in_the_first_format_a_name_is_the_engines() -> None:
    template = compiled("web: {image: x, volumes: ['data:/d']}")
    assert template.services[0].spec.volumes[0].source == "data"
    assert template.volumes == ()


def test_declared_volumes_are_made_and_external_ones_are_not() -> None:
    template = compiled(
        """
        services: {web: {image: x}}
        volumes:
          data: {driver: local, driver_opts: {type: nfs, uid: 5}, labels: [a=b, c]}
          unused:
          kept: {external: true, name: real}
        """
    )
    assert template.volumes == (
        DesiredVolume(
            project="shop",
            name="shop_data",
            options={"type": "nfs", "uid": "5"},
            labels={"a": "b", "c": ""},
        ),
        DesiredVolume(project="shop", name="shop_unused"),
    )
    # They are removed with the project, but no node makes them.
    told = [warning for warning in template.warnings if "no service mounts it" in warning]
    assert [one.partition(":")[0] for one in told] == ["volumes.data", "volumes.unused"]


def test_a_volume_that_a_service_mounts_is_no_warning() -> None:
    text = "services: {web: {image: x, volumes: ['data:/d']}}\nvolumes: {data: }"
    assert compiled(text).warnings == ()


def test_a_tmpfs_is_shown_with_its_options() -> None:
    entries = "{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0700}}, {type: tmpfs, target: /u}"
    assert web(f"volumes: [{entries}]").definition["volumes"] == [
        "tmpfs:/t:size=1048576,mode=700",
        "tmpfs:/u",
    ]


@pytest.mark.parametrize(
    ("declaration", "where"),
    [
        ("{data: {driver: nas}}", "volumes.data.driver"),
        ("{data: {external: true, driver: local}}", "volumes.data.external"),
        ("{data: {external: maybe}}", "volumes.data.external"),
        ("{data: {external: {nom: x}}}", "volumes.data.external.nom"),
        ("{data: {name: a/b}}", "volumes.data"),
        ("{a/b: {}}", "volumes.a/b"),
        ("{data: {size: 5}}", "volumes.data.size"),
        ("{data: [x]}", "volumes.data"),
        ("{data: {driver_opts: x}}", "volumes.data.driver_opts"),
    ],
)
def test_what_is_no_volume_is_refused(declaration: str, where: str) -> None:
    assert refused(f"services: {{web: {{image: x}}}}\nvolumes: {declaration}").where == where


def test_a_path_may_have_to_exist() -> None:
    entry = "{type: bind, source: /h, target: /d, bind: {create_host_path: false}}"
    (mount,) = web(f"volumes: [{entry}]").spec.volumes
    assert mount.must_exist


@pytest.mark.parametrize(
    ("version", "entry", "must_exist"),
    [
        ("version: '2.4'", "{type: bind, source: /h, target: /d}", True),
        ("version: '3.7'", "{type: bind, source: /h, target: /d}", True),
        ("version: '3.7'", "{type: bind, source: /h, target: /d, bind: {}}", True),
        ("version: '3.7'", "/h:/d", False),
        ("", "{type: bind, source: /h, target: /d}", False),
        ("", "{type: bind, source: /h, target: /d, bind: {propagation: shared}}", False),
    ],
)
def test_a_path_in_the_long_form_has_to_exist_as_its_format_says(
    version: str, entry: str, must_exist: bool
) -> None:
    template = compiled(f"{version}\nservices: {{web: {{image: x, volumes: [{entry}]}}}}")
    assert template.services[0].spec.volumes[0].must_exist == must_exist
