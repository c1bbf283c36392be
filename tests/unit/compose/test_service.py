"""The other keys of a service, its definition, and the order of start."""

from typing import Any

import pytest

from schemas.service import Healthcheck, Restart
from tests.unit.compose.templates import compiled, refused, warnings, web, web_refused


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.9",
        "library/nginx",
        "reg.local:5000/a/b_c/d__e-f.g:v1",
        "localhost/x",
        "a@sha256:" + "0" * 64,
        "sha256:" + "0" * 64,
        "Registry.Example.com/a",
    ],
)
def test_an_image_is_a_reference(image: str) -> None:
    assert web(f"image: '{image}'".replace("image: ", "user: ")).spec.user == image
    assert compiled(f"web: {{image: '{image}'}}").services[0].spec.image == image


def test_an_interval_during_the_start_is_handed_on_with_a_warning() -> None:
    keys = "healthcheck: {test: x, start_interval: 2s}"
    text = f"services: {{web: {{image: x, {keys}}}}}"
    check = compiled(text).services[0].spec.healthcheck
    assert check is not None
    assert check.start_interval_s == 2.0
    (told,) = compiled(text).warnings
    assert told.startswith("services.web.healthcheck.start_interval: engines before API 1.44")


@pytest.mark.parametrize(
    ("mount", "where"),
    [
        ("{type: volume, source: d, target: /d, volume: {subpath: a}}", "volume.subpath"),
        ("{type: bind, source: /d, target: /d, bind: {recursive: disabled}}", "bind.recursive"),
    ],
)
def test_what_older_engines_cannot_mount_is_refused_with_the_reason(mount: str, where: str) -> None:
    error = refused(f"services: {{web: {{image: x, volumes: [{mount}]}}}}\nvolumes: {{d: }}")
    assert error.where == f"services.web.volumes[0].{where}"
    assert "not supported yet: engines before API 1.4" in str(error)


@pytest.mark.parametrize(
    "image", ["''", "a b", "Upper/Case", "'a:'", "a@b", "x" * 600, "[a]", "a//b"]
)
def test_what_is_no_image_is_refused(image: str) -> None:
    assert refused(f"web: {{image: {image}}}").where == "web.image"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("sleep 5", ("sleep", "5")),
        ("'sh -c \"a && b\"'", ("sh", "-c", "a && b")),
        ('"echo \'a"', None),
        ("a\\", None),
        ("'a\\ b c'", ("a b", "c")),
        ("[sh, -c, a b, 5]", ("sh", "-c", "a b", "5")),
        ("''", ()),
        ("[]", ()),
        ("echo $$HOME", ("echo", "$HOME")),
        ("'# a'", ("#", "a")),
    ],
)
@pytest.mark.parametrize("key", ["command", "entrypoint"])
def test_a_command_line_is_split_as_a_shell_does(
    key: str, written: str, words: tuple[str, ...] | None
) -> None:
    if words is None:
        assert web_refused(f"{key}: {written}").where == f"services.web.{key}"
        return
    assert getattr(web(f"{key}: {written}").spec, key) == words


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("2us", 2e-6),
        ("1h1m1s1ms", 3661.001),
        ("0", 0),
    ],
)
def test_a_duration_has_units(written: str, seconds: float) -> None:
    assert web(f"stop_grace_period: {written}").spec.stop_grace_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", ["30", "'30'", "-5s", "5 minutes", "s", "1d", "true", "[1s]", "999999999h"]
)
def test_what_is_no_duration_is_refused(written: str) -> None:
    assert web_refused(f"stop_grace_period: {written}").where == "services.web.stop_grace_period"


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("1048576", 1048576),
        ("'1048576'", 1048576),
        ("64m", 64 << 20),
        ("1.5g", 3 << 29),
        ("1GB", 1 << 30),
        ("2 KiB", 2048),
        ("5b", 5),
        ("0", None),
    ],
)
def test_a_size_is_in_powers_of_1024(written: str, size: int | None) -> None:
    service = web(f"mem_limit: {written}")
    assert service.spec.mem_limit_bytes == size
    assert service.definition["mem_limit"] == (size or 0)


@pytest.mark.parametrize("written", ["-1", "1.5", "1x", "true", "[1]", "9999999p", "''"])
def test_what_is_no_size_is_refused(written: str) -> None:
    if written == "1.5":
        assert web_refused("mem_limit: 1.5").where == "services.web.mem_limit"
        return
    assert web_refused(f"mem_limit: {written}").where == "services.web.mem_limit"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("no", Restart(policy="no")),
        ("'no'", Restart(policy="no")),
        ("false", Restart(policy="no")),
        ("always", Restart(policy="always")),
        ("unless-stopped", Restart(policy="unless-stopped")),
        ("on-failure", Restart(policy="on-failure")),
        ("on-failure:3", Restart(policy="on-failure", max_retries=3)),
    ],
)
def test_a_restart_policy_is_one_word_and_maybe_a_count(written: str, wanted: Restart) -> None:
    service = web(f"restart: {written}")
    assert service.spec.restart == wanted
    assert isinstance(service.definition["restart"], str)


@pytest.mark.parametrize("written", ["true", "sometimes", "always:3", "on-failure:x", "''", "[no]"])
def test_what_is_no_restart_policy_is_refused(written: str) -> None:
    assert web_refused(f"restart: {written}").where == "services.web.restart"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("{test: curl x}", Healthcheck(test=("CMD-SHELL", "curl x"))),
        ("{test: [CMD, curl, x]}", Healthcheck(test=("CMD", "curl", "x"))),
        ("{test: [CMD-SHELL, curl x]}", Healthcheck(test=("CMD-SHELL", "curl x"))),
        ("{test: [NONE]}", Healthcheck(test=("NONE",))),
        ("{disable: true}", Healthcheck(test=("NONE",))),
        ("{disable: false, retries: '3'}", Healthcheck(retries=3)),
        (
            "{interval: 1m, timeout: 2s, start_period: 500ms}",
            Healthcheck(interval_s=60, timeout_s=2, start_period_s=0.5),
        ),
    ],
)
def test_a_health_check_has_all_its_fields(written: str, wanted: Healthcheck) -> None:
    assert web(f"healthcheck: {written}").spec.healthcheck == wanted


@pytest.mark.parametrize(
    "written",
    [
        "{test: [curl]}",
        "{test: []}",
        "{test: [NONE, x]}",
        "{test: [CMD]}",
        "{disable: true, retries: 1}",
        "{disable: maybe}",
        "{disable: 5}",
        "{interval: 5}",
        "{interval: 1us}",
        "{retries: -1}",
        "{every: 5s}",
        "curl",
    ],
)
def test_what_is_no_health_check_is_refused(written: str) -> None:
    assert web_refused(f"healthcheck: {written}").where.startswith("services.web.healthcheck")


def test_limits_come_from_the_service_or_from_deploy() -> None:
    own = web("mem_limit: 1g, mem_reservation: 512m, cpus: 0.5, cpu_shares: 512").spec
    assert (own.mem_limit_bytes, own.mem_reservation_bytes) == (1 << 30, 1 << 29)
    assert (own.cpus, own.cpu_shares) == (0.5, 512)
    resources = "{limits: {cpus: '0.5', memory: 1g}, reservations: {memory: 512m}}"
    deployed = web(f"deploy: {{resources: {resources}}}, mem_limit: 1024m, cpu_shares: 512").spec
    assert deployed == own


@pytest.mark.parametrize(
    "keys",
    [
        "mem_limit: 1g, deploy: {resources: {limits: {memory: 2g}}}",
        "cpus: 1, deploy: {resources: {limits: {cpus: 2}}}",
        "mem_limit: 1g, mem_reservation: 2g",
        "cpus: -1",
        "cpus: many",
        "cpus: [1]",
        "scale: 1.5",
        "cpu_shares: -1",
        "deploy: {resources: {limits: {pids: 5}}}, pids_limit: 6",
        "deploy: {placement: {max_replicas_per_node: 1}}",
        "deploy: {mode: global, replicas: 2}",
        "deploy: {mode: replicated-job}",
        "deploy: {replicas: -1}",
        "deploy: {mode: replicated}, labels: {aliyun.global: true}",
        "scale: 2, labels: {aliyun.scale: 3}",
        "scale: 2, deploy: {replicas: 3}",
        "scale: lots",
        "hostname: a b",
        "working_dir: relative",
        "stop_signal: please",
        "user: [a]",
    ],
)
def test_what_contradicts_itself_or_nobody_honours_is_refused(keys: str) -> None:
    assert web_refused(keys).where.startswith("services.web")


@pytest.mark.parametrize(
    "keys", ["scale: 3", "deploy: {replicas: 3}", "scale: '3', labels: {aliyun.scale: 3}"]
)
def test_the_number_of_containers_can_be_said_in_three_places(keys: str) -> None:
    assert web(keys).scale == 3


@pytest.mark.parametrize(
    "keys", ["deploy: {mode: global}", "labels: {aliyun.global: 'true', aliyun.scale: '1'}"]
)
def test_a_global_service_is_global(keys: str) -> None:
    assert web(keys).is_global
    assert warnings(keys) == ()


def test_the_scale_of_a_global_service_is_a_warning() -> None:
    assert "ignored" in warnings("labels: {aliyun.global: true}, scale: 2")[0]


def test_a_reservation_of_cores_is_a_warning() -> None:
    keys = "deploy: {resources: {reservations: {cpus: 1}}}"
    assert warnings(keys) == (
        "services.web.deploy.resources.reservations.cpus: cores are not reserved yet: no effect",
    )


def test_plain_keys_arrive_as_they_are() -> None:
    spec = web("user: 1000, working_dir: /w, hostname: h.x, stop_signal: SIGUSR1").spec
    assert (spec.user, spec.working_dir, spec.hostname, spec.stop_signal) == (
        "1000",
        "/w",
        "h.x",
        "SIGUSR1",
    )
    assert web("stop_signal: 9").spec.stop_signal == "9"


def test_a_definition_has_what_the_user_gave_in_one_spelling() -> None:
    service = web(
        "user: 0, ports: [80:80, {target: 1, host_ip: 1.2.3.4}], expose: [1-2], command: a b, "
        "volumes: ['/h:/d:ro', {type: tmpfs, target: /t}], healthcheck: {test: x}, mem_limit: 1k, "
        "environment: {B: 2}, labels: [l=m], restart: on-failure:2, shm_size: '0'"
    )
    wanted: dict[str, Any] = {
        "image": "nginx",
        "user": "0",
        "ports": ["80:80", "1.2.3.4::1"],
        "expose": ["1", "2"],
        "command": "a b",
        "volumes": ["/h:/d:ro", "tmpfs:/t"],
        "healthcheck": {"test": "x"},
        "mem_limit": 1024,
        "environment": ["B=2"],
        "labels": {"l": "m"},
        "restart": "on-failure:2",
        "shm_size": 0,
    }
    assert service.definition == wanted
    assert list(service.definition) == list(wanted)
