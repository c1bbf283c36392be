"""Logs as dockerd's drivers keep them, and those that it doesn't keep."""

import asyncio

import pytest

from schemas.service import Logging, ServiceSpec
from tests.contract.engines import RealTrial, run

pytestmark = pytest.mark.engine

TALKATIVE = "for n in 1 2 3; do echo out $n; echo err $n >&2; done; printf 'no newline'; exit 3"


async def lines(real: RealTrial, script: str = TALKATIVE, **fields: object) -> tuple[str, ...]:
    """The last lines of a container that ran this script."""
    command = ("sh", "-c", script)
    spec = ServiceSpec.model_validate({"image": "box:1", "command": command, **fields})
    container_id = await run(real.engine, spec)
    await asyncio.to_thread(real.hand.api.wait, container_id)
    return await real.engine.log_tail(container_id)


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize("driver", ["json-file", "local"])
async def test_both_streams_are_told(real: RealTrial, driver: str, tty: bool) -> None:
    told = await lines(real, tty=tty, logging=Logging(driver=driver))
    assert sorted(told) == ["err 1", "err 2", "err 3", "no newline", "out 1", "out 2", "out 3"]
    assert told[-1] == "no newline"


async def test_a_log_that_is_not_kept_has_no_lines(real: RealTrial) -> None:
    assert await lines(real, logging=Logging(driver="none")) == ()


async def test_a_line_of_megabytes_costs_no_more_than_any(real: RealTrial) -> None:
    told = await lines(real, "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last")
    assert told[-1] == "last"
    assert sum(len(line) for line in told) <= 20 * 500
