"""Both kinds of every part: the fake always, the real one with the mark of its kind."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.engines import FakeTrial, RealTrial, Trial
from tests.contract.real_engine import clean_machine, machines_end_with_the_session

__all__ = ["machines_end_with_the_session"]


@pytest.fixture(params=["fake", pytest.param("dockerd", marks=pytest.mark.engine)])
async def trial(request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    if request.param == "fake":
        yield FakeTrial()
        return
    real = RealTrial(clean_machine().engine.url)
    yield real
    real.close()
