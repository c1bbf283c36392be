"""Shared volumes of the cluster, by name and by path."""

import pytest

from compose.template import TemplateError, compile_template
from schemas.service import VolumeMount

SHARED = {"data": "nas/data", "pictures": "ossfs/bucket-1"}


def volumes_of(volumes: str, *, declared: str = "", version: str = "'2'") -> list[VolumeMount]:
    text = (
        f"version: {version}\nservices:\n  web:\n    image: a\n    volumes: [{volumes}]\n{declared}"
    )
    return list(compile_template("p", text, {}, SHARED).services[0].spec.volumes)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("'data:/x'", VolumeMount(type="cluster", source="nas/data", target="/x")),
        (
            "'pictures:/x:ro'",
            VolumeMount(type="cluster", source="ossfs/bucket-1", target="/x", read_only=True),
        ),
        (
            "'/mnt/acs_mnt/nas/data/a/b:/x'",
            VolumeMount(type="cluster", source="nas/data", sub_path="a/b", target="/x"),
        ),
        (
            "{type: volume, source: data, target: /x}",
            VolumeMount(type="cluster", source="nas/data", target="/x"),
        ),
    ],
)
def test_a_shared_volume_is_used_by_its_name_or_its_path(
    written: str, expected: VolumeMount
) -> None:
    assert volumes_of(written) == [expected]


def test_what_the_template_declares_itself_comes_first() -> None:
    (own,) = volumes_of("'data:/x'", declared="volumes:\n  data: {}\n")
    assert (own.type, own.source) == ("volume", "p_data")
    (external,) = volumes_of("'data:/x'", declared="volumes:\n  data: {external: true}\n")
    assert (external.type, external.source) == ("cluster", "nas/data")


def test_the_first_format_knows_shared_volumes_as_well() -> None:
    text = "web:\n  image: a\n  volumes: ['data:/x', 'other:/y']\n"
    first, second = compile_template("p", text, {}, SHARED).services[0].spec.volumes
    assert (first.type, first.source) == ("cluster", "nas/data")
    assert (second.type, second.source) == ("volume", "other")


@pytest.mark.parametrize("path", ["/mnt/acs_mnt", "/mnt/acs_mnt/nas", "/mnt/acs_mnt/ossfs/"])
def test_what_is_above_the_volumes_is_not_mounted(path: str) -> None:
    with pytest.raises(TemplateError, match="not what is above it"):
        volumes_of(f"'{path}:/x'")


@pytest.mark.parametrize(
    "written", ["/mnt/acs_mnt/nas/nobody:/x", "/mnt/acs_mnt/ossfs/data/a:/x", "unknown:/x"]
)
def test_a_shared_volume_that_does_not_exist_is_refused_with_its_path(written: str) -> None:
    with pytest.raises(TemplateError) as refusal:
        volumes_of(f"'{written}'")
    assert refusal.value.where == "services.web.volumes[0]"


def test_the_volumes_are_where_the_cluster_says() -> None:
    text = "version: '2'\nservices: {web: {image: a, volumes: ['%s:/x']}}"

    def mounted(source: str) -> VolumeMount:
        template = compile_template("p", text % source, {}, SHARED, mount_base="/srv/acs")
        return template.services[0].spec.volumes[0]

    assert mounted("/srv/acs/nas/data/a") == VolumeMount(
        type="cluster", source="nas/data", sub_path="a", target="/x"
    )
    assert mounted("/mnt/acs_mnt/nas/data").type == "bind"
    for source in ("/srv/acs", "/srv/acs/ossfs", "/srv/acs/nas/unknown"):
        with pytest.raises(TemplateError):
            mounted(source)


@pytest.mark.parametrize("inner", ["a\\nb", "a\\x7fb"])
def test_a_path_in_a_volume_can_be_printed(inner: str) -> None:
    with pytest.raises(TemplateError, match="can't be printed") as refusal:
        volumes_of(f'"/mnt/acs_mnt/nas/data/{inner}:/x"')
    assert refusal.value.where == "services.web.volumes[0]"
