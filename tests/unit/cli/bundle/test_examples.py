"""Every project of several files, field by field: what our bundle means, and what Compose says."""

from collections.abc import Mapping
from typing import Any

import pytest

from cli.bundle import bundle
from compose.template import compile_template
from schemas.template import ProjectTemplate, ServiceTemplate
from tests.compose_corpus.examples import DIRECTORY, Example, examples
from tests.compose_corpus.fields import ours_of
from tests.compose_corpus.reading import expected


def _compiled(example: Example) -> ProjectTemplate:
    arguments = example.arguments
    found = bundle(
        arguments.get("files", []),
        env_files=arguments.get("env_files", []),
        cwd=example.cwd,
        shell={"HOME": "/", **arguments.get("shell", {})},
    )
    assert found.name == example.recorded["name"]
    return compile_template(found.name, found.template, found.environment)


@pytest.mark.parametrize("example", examples(), ids=str)
def test_a_bundle_means_what_docker_compose_says_of_its_files(example: Example) -> None:
    template = _compiled(example)
    said = example.recorded
    ours = {service.name: service for service in template.services}
    assert set(ours) == set(said["services"])
    for name, service in said["services"].items():
        files = _files(example, said, service)
        plain = {**said, "services": {name: _plain(service)}}
        for field, value in expected(said["name"], plain, name).items():
            found = ours_of(field, ours[name], template.services)
            assert (name, field, _comparable(field, found)) == (name, field, value)
        assert _written(ours[name]) == files


def test_a_bundle_has_the_volumes_and_networks_that_docker_compose_says() -> None:
    for example in examples():
        template, said = _compiled(example), example.recorded
        declared = {one["name"]: one for one in said.get("volumes", {}).values()}
        # One that no service mounts is made by us, and left out by Compose.
        ours = {volume.name: volume for volume in template.volumes}
        assert set(declared) <= set(ours)
        for name, one in declared.items():
            assert ours[name].labels == one.get("labels", {})
        networks = {one["name"]: one for one in said["networks"].values()}
        for network in template.networks:
            assert network.internal == networks[network.name].get("internal", False)
            assert network.options == networks[network.name].get("driver_opts", {})


def _is_file(mount: Mapping[str, Any]) -> bool:
    return mount.get("type") == "bind" and str(mount["source"]).startswith(DIRECTORY)


def _plain(service: Mapping[str, Any]) -> dict[str, Any]:
    """The service without what is compared as a file, and without what says nothing."""
    plain = {
        key: value
        for key, value in service.items()
        if value is not None and key not in {"configs", "secrets", "profiles"}
    }
    if "volumes" in plain:
        plain["volumes"] = [mount for mount in plain["volumes"] if not _is_file(mount)]
    if "environment" in plain:
        given = plain["environment"].items()
        plain["environment"] = {name: value for name, value in given if value is not None}
    if "extra_hosts" in plain:
        plain["extra_hosts"] = [one.replace("=", ":", 1) for one in plain["extra_hosts"]]
    return plain


def _files(example: Example, said: Mapping[str, Any], service: Mapping[str, Any]) -> dict[str, str]:
    """Path in the container -> content."""
    found = {
        mount["target"]: example.file(mount["source"]).read_text()
        for mount in service.get("volumes", [])
        if _is_file(mount)
    }
    for section in ("configs", "secrets"):
        for use in service.get(section, []):
            one = said[section][use["source"]]
            if "file" in one:
                content = example.file(one["file"]).read_text()
            elif "content" in one:
                content = one["content"].replace("$$", "$")
            else:
                content = example.arguments["shell"][one["environment"]]
            target = use.get("target") or f"/{use['source']}"
            found[target] = content
    return found


def _written(service: ServiceTemplate) -> dict[str, str]:
    return {file.target: file.content for file in service.spec.files}


def _comparable(field: str, value: Any) -> Any:
    """Our value, where it says more than Compose's does."""
    if field == "restart" and value == ("default", None):
        return ("no", None)
    return value
