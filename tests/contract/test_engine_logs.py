"""What every `ContainerEngine` promises about the logs of containers."""

import asyncio

from tests.contract.engines import EXITING, OBEDIENT, Trial, create, run


async def test_the_last_lines_of_a_container_that_ended_are_told(trial: Trial) -> None:
    container_id = await run(trial.engine, EXITING)
    async with asyncio.timeout(10):
        while (await trial.engine.containers())[0].is_running:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await trial.engine.log_tail(container_id) == tuple(f"line {n}" for n in range(11, 31))


async def test_who_printed_nothing_or_is_gone_has_no_lines(trial: Trial) -> None:
    container_id = await create(trial.engine, OBEDIENT)
    assert await trial.engine.log_tail(container_id) == ()
    await trial.vanish(container_id)
    assert await trial.engine.log_tail(container_id) == ()
