"""Shared volumes on real FUSE mounts: s3fs on every node, against one S3 server."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.machines import Machines
from tests.contract.mountd.s3 import S3Server
from tests.e2e.test_projects import a_service
from tests.e2e.world import World

BUCKET = "troopers-bucket"


@pytest.fixture(scope="module")
def server(engines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server that every node reaches."""
    made = S3Server(tmp_path_factory.mktemp("s3"), engines.network.address)
    made.start()
    try:
        yield made
    finally:
        made.thaw()
        made.stop()


@pytest.fixture
def s3(server: S3Server) -> S3Server:
    """The server, with one bucket and nothing in it."""
    server.make_empty_bucket(BUCKET)
    return server


def wish(s3: S3Server, name: str = "pictures", **options: Any) -> dict[str, Any]:
    given = {
        "bucket": BUCKET,
        "url": s3.url,
        "ak_id": s3.secret.ak_id,
        "ak_secret": s3.secret.ak_secret,
        "no_stat_cache": "true",
        "other_opts": "use_path_request_style",
    }
    return {"name": name, "driver": "ossfs", "driverOpts": {**given, **options}}


def states(world: World, name: str = "pictures") -> dict[str, str]:
    found = world.ok("GET", "/volumes")["Volumes"]
    return {volume["Node"]: volume["State"] for volume in found if volume["Name"] == name}


def wait_mounted(world: World, name: str = "pictures") -> None:
    everywhere = {"n1": "mounted", "n2": "mounted", "n3": "mounted"}
    world.wait_for(lambda: states(world, name) == everywhere, f"{name} is mounted everywhere")


def test_containers_on_two_nodes_share_files_and_the_volume_is_deleted_without_a_trace(
    world: World, s3: S3Server
) -> None:
    created = world.http("POST", "/volumes/create", wish(s3))
    assert created.status == 201
    assert created.body["Mountpoint"] == f"/mnt/acs_mnt/ossfs/{BUCKET}"
    assert s3.secret.ak_secret not in str(created.body)
    wait_mounted(world)

    world.deploy(
        "share",
        {
            "writer": a_service(
                command=["sh", "-c", "echo hello from n1 > /data/greeting; sleep 1000"],
                volumes=["pictures:/data"],
                environment=["constraint:node==n1"],
            ),
            "reader": a_service(
                command=["sh", "-c", "while ! cat /data/greeting; do sleep 0.2; done; sleep 1000"],
                volumes=["pictures:/data:ro"],
                environment=["constraint:node==n2"],
            ),
        },
    )
    (reader,) = world.containers("share_reader")

    def read() -> bool:
        with world.node("n2").engine.client() as client:
            return b"hello from n1" in client.api.logs(reader)

    world.wait_for(read, "n2 reads what n1 wrote")
    shown = world.ok("GET", "/volumes/pictures")
    assert sorted(ref["Name"] for ref in shown["Refs"]) == ["/share_reader_1", "/share_writer_1"]

    refused = world.http("DELETE", "/volumes/pictures")
    assert refused.status == 409
    assert "share_reader, share_writer" in refused.body["message"]
    world.ok("DELETE", "/projects/share?force=true")
    assert world.http("DELETE", "/volumes/pictures").status == 204
    assert world.http("GET", "/volumes/pictures").status == 404
    assert str(world.cluster.home) not in Path("/proc/self/mountinfo").read_text()
    # The remote data is still there for the next volume of that bucket.
    world.ok("POST", "/volumes/create", wish(s3, "again"))
    wait_mounted(world, "again")


def test_a_link_in_a_volume_leads_no_container_to_the_node_s_own_files(
    world: World, s3: S3Server
) -> None:
    world.ok("POST", "/volumes/create", wish(s3))
    wait_mounted(world)
    here = ["constraint:node==n1"]
    world.deploy("evil", {"web": a_service(volumes=["pictures:/data"], environment=here)})
    (writer,) = world.containers("evil_web")

    def run(container: str, command: str) -> str:
        with world.node("n1").engine.client() as client:
            started = client.api.exec_create(container, ["sh", "-c", command])
            return str(client.api.exec_start(started["Id"]).decode())

    run(writer, "ln -s /etc /data/app")
    place = f"/mnt/acs_mnt/ossfs/{BUCKET}/app"
    world.deploy(
        "good", {"web": a_service(volumes=[f"{place}:/app"], environment=here)}, wait=False
    )
    refused = world.http("POST", "/projects/good/start")
    assert refused.status == 500
    assert "app leads through a symbolic link" in refused.body["message"]
    assert world.running("good") == {}
    run(writer, "rm /data/app && mkdir /data/app && echo mine > /data/app/x")
    world.wait_for(lambda: len(world.running("good")) == 1, "the directory is there, and is used")
    (reader,) = world.containers("good_web")
    assert run(reader, "cat /app/x") == "mine\n"


def test_a_dead_fuse_process_is_noticed_and_what_used_it_starts_anew(
    world: World, s3: S3Server
) -> None:
    world.ok("POST", "/volumes/create", wish(s3))
    wait_mounted(world)
    world.deploy(
        "heal",
        {
            "user": a_service(volumes=["pictures:/data"], environment=["constraint:node==n1"]),
            "other": a_service(environment=["constraint:node==n1"]),
        },
    )
    (user,) = world.containers("heal_user")
    other = world.running("heal")[next(iter(world.containers("heal_other")))]
    entries = world.ok("GET", "/volumes")["Volumes"]
    (place,) = (entry["Mountpoint"] for entry in entries if entry["Node"] == "n1")
    _kill_fuse(place)
    world.wait_for(
        lambda: (
            user not in world.containers("heal_user")
            and world.project("heal")["current_state"] == "running"
        ),
        "the user of the volume was made anew on the new mount",
    )
    wait_mounted(world)
    (again,) = world.containers("heal_user")
    with world.node("n1").engine.client() as client:
        run = client.api.exec_create(again, ["sh", "-c", "echo alive > /data/x && cat /data/x"])
        assert client.api.exec_start(run["Id"]) == b"alive\n"
    assert world.running("heal")[next(iter(world.containers("heal_other")))] == other


def test_a_wrong_key_fails_clearly_and_nothing_starts_on_the_empty_directory(
    world: World, s3: S3Server
) -> None:
    world.ok("POST", "/volumes/create", wish(s3, ak_secret="not-the-secret"))
    told: list[dict[str, Any]] = []

    def has_failed() -> bool:
        told[:] = world.ok("GET", "/volumes")["Volumes"]
        return {volume["State"] for volume in told} == {"failed"}

    world.wait_for(has_failed, "the volume has failed")
    assert all(volume["Reason"] for volume in told)
    assert "not-the-secret" not in str(told)
    world.deploy("none", {"web": a_service(volumes=["pictures:/data"])}, wait=False)
    refused = world.http("POST", "/projects/none/start")
    assert refused.status == 500
    assert f"ossfs/{BUCKET}" in refused.body["message"]
    assert world.running("none") == {}


@pytest.mark.long
def test_a_server_that_stops_is_shown_and_heals_by_itself(world: World, s3: S3Server) -> None:
    world.ok("POST", "/volumes/create", wish(s3))
    wait_mounted(world)
    s3.freeze()
    try:
        world.wait_for(
            lambda: set(states(world).values()) <= {"stuck", "failed"}, "the volume is stuck"
        )
        # Nobody else is affected.
        world.deploy("free", {"web": a_service(scale=3)})
    finally:
        s3.thaw()
    wait_mounted(world)


def _kill_fuse(mountpoint: str) -> None:
    """End the process that serves a mountpoint."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"s3fs" in arguments[0] and mountpoint.encode() in arguments:
            os.kill(int(process.name), signal.SIGKILL)
            return
    raise AssertionError(f"nobody serves {mountpoint}")
