"""Probe commands inside containers, without holding a thread while they run."""

import asyncio
from collections.abc import Collection

from docker import APIClient
from docker.errors import NotFound

from agent.adapters.docker_calls import EngineCalls
from agent.errors import EngineTimeout

#: Most probes are one short look; what takes longer is asked about less often.
_LOOK_S_FIRST, _LOOK_S_MAX, _LOOK_GROWTH = 0.02, 0.5, 1.5


class ProbeCommands:
    """Runs them. One that outlives its time-out can't be ended through the engine.

    So it is not run again in that container before it has ended: a probe that hangs every time
    must not fill the container with its copies.
    """

    def __init__(self, calls: EngineCalls) -> None:
        self._calls = calls
        #: (container id, command) -> exec id
        self._unfinished: dict[tuple[str, str], str] = {}

    async def run(self, container_id: str, command: str, timeout_s: float) -> int:
        """As `ContainerEngine.run_probe_command`. Too slow is `EngineTimeout`."""
        doing = f"probe {container_id[:12]}"
        probe = (container_id, command)
        earlier = self._unfinished.get(probe)
        if earlier is not None and await self._exit_code(doing, earlier) is None:
            raise EngineTimeout(f"{doing}: the command before it still runs")
        try:
            async with asyncio.timeout(timeout_s):
                exec_id = await self._begin(doing, container_id, command)
                self._unfinished[probe] = exec_id
                code = await self._wait(doing, exec_id)
        except TimeoutError as error:
            raise EngineTimeout(f"{doing}: the command runs longer than {timeout_s:g} s") from error
        self._unfinished.pop(probe, None)
        return code

    def forget_all_but(self, container_ids: Collection[str]) -> None:
        """Drop what is remembered about containers that are gone."""
        self._unfinished = {
            probe: exec_id
            for probe, exec_id in self._unfinished.items()
            if probe[0] in container_ids
        }

    async def _begin(self, doing: str, container_id: str, command: str) -> str:
        def begin(client: APIClient) -> str:
            # No output is asked for: nobody reads it, and reading would take a thread.
            exec_id = str(
                client.exec_create(container_id, ["sh", "-c", command], stdout=False, stderr=False)[
                    "Id"
                ]
            )
            client.exec_start(exec_id, detach=True)
            return exec_id

        return await self._calls.call(doing, begin)

    async def _wait(self, doing: str, exec_id: str) -> int:
        pause_s = _LOOK_S_FIRST
        while (code := await self._exit_code(doing, exec_id)) is None:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * _LOOK_GROWTH, _LOOK_S_MAX)
        return code

    async def _exit_code(self, doing: str, exec_id: str) -> int | None:
        """None: it still runs. One that the engine has forgotten has failed."""

        def ask(client: APIClient) -> int | None:
            try:
                shown = client.exec_inspect(exec_id)
            except NotFound:
                return -1
            is_over = not shown["Running"] and shown["ExitCode"] is not None
            return int(shown["ExitCode"]) if is_over else None

        return await self._calls.call(doing, ask)
