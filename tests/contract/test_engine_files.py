"""What every `ContainerEngine` promises about configs and secrets."""

from schemas.service import InlineFile
from tests.contract.engines import OBEDIENT, Trial, create, run

FILES = (
    InlineFile(target="/run/secrets/key", content="the-secret\n"),
    InlineFile(target="/etc/app.conf", content="näme=1\n", uid=12, gid=34, mode=0o444),
)
WITH_FILES = OBEDIENT.model_copy(update={"files": FILES})


async def test_a_container_has_its_files_before_it_runs(trial: Trial) -> None:
    container_id = await run(trial.engine, WITH_FILES)
    for command in (
        'test "$(cat /run/secrets/key)" = the-secret',
        'test "$(stat -c %a-%u-%g /run/secrets/key)" = 400-0-0',
        'test "$(cat /etc/app.conf)" = näme=1',
        'test "$(stat -c %a-%u-%g /etc/app.conf)" = 444-12-34',
    ):
        assert await trial.engine.run_probe_command(container_id, command, 5.0) == 0, command


async def test_making_it_again_writes_the_files_again(trial: Trial) -> None:
    first = await create(trial.engine, WITH_FILES)
    assert await create(trial.engine, WITH_FILES) == first
    await trial.engine.start(first)
    command = "test -s /run/secrets/key"
    assert await trial.engine.run_probe_command(first, command, 5.0) == 0
