"""Both kinds of mounts: made up always, real ones where this machine's root may make them."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contract.mountd.s3 import S3Server, missing_parts
from tests.contract.mountd.trials import FakeTrial, Node, RealTrial, Trial

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    # For root, a machine without these parts is a failure: skipped tests prove nothing.
    assert missing_parts() == []
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.thaw()
    server.stop()


@pytest.fixture
async def real_trial(
    s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RealTrial]:
    trial = RealTrial(tmp_path_factory.mktemp("mountd"), s3)
    try:
        yield trial
    finally:
        await trial.close()


@pytest.fixture(params=["fake", pytest.param("fuse", marks=NEEDS_ROOT)])
async def trial(request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    if request.param == "fake":
        yield FakeTrial()
        return
    s3 = request.getfixturevalue("s3")
    directory = request.getfixturevalue("tmp_path")
    real = RealTrial(directory, s3)
    try:
        yield real
    finally:
        await real.close()


@pytest.fixture
async def node(trial: Trial) -> AsyncIterator[Node]:
    node = Node(trial)
    try:
        yield node
    finally:
        await node.stop()
