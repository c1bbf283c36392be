"""The recordings of the corpus are what the oracles say today, where they are installed."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.compose_corpus.oracles import Sample, ask, samples

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(170)]


def test_docker_compose_says_what_is_recorded() -> None:
    assert shutil.which("docker-compose"), "not installed: scripts/engine-deps engine"
    _compare([sample for sample in samples() if sample.path.parent.name != "v3"])


def test_docker_stack_config_says_what_is_recorded() -> None:
    third = [sample for sample in samples() if sample.path.parent.name == "v3"]
    if not third[0].command:
        pytest.skip("no docker command line here has `stack config`: Debian 12's is too old")
    _compare(third)


def _compare(found: list[Sample]) -> None:
    with ThreadPoolExecutor(2) as pool:
        for sample, said in zip(found, pool.map(ask, found), strict=True):
            assert (str(sample), said) == (str(sample), sample.recorded)
