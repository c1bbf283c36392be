"""The recordings of projects of several files are what Docker Compose 2 says, where it is installed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.compose_corpus.examples import ask, examples, program

pytestmark = [pytest.mark.long, pytest.mark.timeout(170)]


def test_docker_compose_says_what_is_recorded() -> None:
    if not program():
        pytest.skip("no Docker Compose 2 here: TROOPERS_COMPOSE names one")
    with ThreadPoolExecutor(2) as pool:
        for example, said in zip(examples(), pool.map(ask, examples()), strict=True):
            assert (str(example), said) == (str(example), example.recorded)
