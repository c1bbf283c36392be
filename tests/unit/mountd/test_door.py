"""The agent's client and mountd's door, over a real unix socket."""

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.adapters.mountd_client import MountdClient, MountdUnavailable
from mountd import door as doors
from mountd.door import Door, Guests
from mountd.keeper import Keeper, Terms
from schemas.mounting import LINE_BYTES_MAX, MountOrders, MountReport
from schemas.states import MountState
from tests.fakes.mounter import FakeMounter
from tests.unit.mountd.builders import a_bucket, an_order, judged


async def _seven(_orders: MountOrders) -> MountReport:
    return MountReport(number=7)


@asynccontextmanager
async def a_door(path: Path, answer: doors.Answer = _seven) -> AsyncIterator[asyncio.Server]:
    guests = Guests(users=frozenset({os.getuid()}))
    server = await Door(path, guests, answer).serve()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[MountdClient]:
    client = MountdClient(tmp_path / "s")
    yield client
    await client.close()


async def until_mounted(client: MountdClient, orders: MountOrders) -> MountReport:
    seen = -1
    while True:
        asked = orders.model_copy(update={"seen": seen, "wait_s": 5.0})
        report = await client.report(asked)
        if report.mounts and all(one.state is MountState.MOUNTED for one in report.mounts):
            return report
        seen = report.number


async def test_orders_are_carried_out_and_reported(client: MountdClient, tmp_path: Path) -> None:
    mounter = FakeMounter()
    keeper = Keeper(mounter, Terms("/mnt/acs_mnt", judged, time.time))
    running = asyncio.create_task(keeper.run())
    async with a_door(tmp_path / "s", keeper.answer):
        orders = MountOrders(mounts=(an_order(a_bucket()),))
        report = await until_mounted(client, orders)
        assert report.mounts[0].mountpoint == "/mnt/acs_mnt/ossfs/photos"
        assert "the-key" not in report.model_dump_json()

        absent = MountOrders(
            mounts=(an_order(a_bucket(), absent=True),), seen=report.number, wait_s=5
        )
        while (report := await client.report(absent)).mounts:
            absent = absent.model_copy(update={"seen": report.number})
        assert mounter.mounts == {}
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_report_waits_for_news_no_longer_than_asked(
    client: MountdClient, tmp_path: Path
) -> None:
    keeper = Keeper(FakeMounter(), Terms("/mnt/acs_mnt", judged, time.time))
    async with a_door(tmp_path / "s", keeper.answer):
        first = await client.report(MountOrders())
        began = time.monotonic()
        second = await client.report(MountOrders(seen=first.number, wait_s=0.2))
        assert second.number == first.number
        assert 0.2 <= time.monotonic() - began < 2


async def test_a_client_survives_a_restart_of_mountd(client: MountdClient, tmp_path: Path) -> None:
    async with a_door(tmp_path / "s") as server:
        assert (await client.report(MountOrders())).number == 7
        server.close()
    async with a_door(tmp_path / "s"):
        for _ in range(2):
            # The old connection may still look alive once; a caller repeats.
            with contextlib.suppress(MountdUnavailable):
                assert (await client.report(MountOrders())).number == 7
                break
        else:
            pytest.fail("no report after the restart")


async def test_without_mountd_the_client_says_so(client: MountdClient) -> None:
    with pytest.raises(MountdUnavailable, match="can't be reached"):
        await client.report(MountOrders())


async def test_a_mountd_that_hangs_is_given_up(
    client: MountdClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.adapters.mountd_client.ANSWER_S_MAX", 0.1)

    async def hang(_orders: MountOrders) -> MountReport:
        await asyncio.sleep(1)
        return MountReport(number=1)

    async with a_door(tmp_path / "s", hang):
        with pytest.raises(MountdUnavailable, match="in time"):
            await client.report(MountOrders())


async def test_a_cancelled_question_is_not_answered_with_the_next_one(
    client: MountdClient, tmp_path: Path
) -> None:
    async def echo(orders: MountOrders) -> MountReport:
        await asyncio.sleep(orders.wait_s)
        return MountReport(number=orders.seen)

    async with a_door(tmp_path / "s", echo):
        question = asyncio.create_task(client.report(MountOrders(seen=1, wait_s=0.2)))
        await asyncio.sleep(0.05)
        question.cancel()
        await asyncio.wait({question})
        assert (await client.report(MountOrders(seen=2))).number == 2


async def test_questions_that_nobody_waits_for_give_their_places_back(
    client: MountdClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "HANG_UP_S", 0.02)
    keeper = Keeper(FakeMounter(), Terms("/mnt/acs_mnt", judged, time.time))
    async with a_door(tmp_path / "s", keeper.answer):
        seen = (await client.report(MountOrders())).number
        for _ in range(3 * doors.CLIENTS_MAX):
            question = asyncio.create_task(client.report(MountOrders(seen=seen, wait_s=30)))
            await asyncio.sleep(0.03)
            question.cancel()
            await asyncio.wait({question})
        assert (await client.report(MountOrders())).number == seen


async def test_senseless_orders_are_refused_without_repeating_them(tmp_path: Path) -> None:
    async with a_door(tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b'{"mounts": [{"volume": 3, "secret": "the-key"}]}\n')
        answer = MountReport.model_validate_json(await reader.readline())
        assert "mounts.0.volume" in answer.error
        assert "the-key" not in answer.error
        writer.write(b"{}\n")
        assert MountReport.model_validate_json(await reader.readline()).number == 7
        writer.close()


async def test_orders_of_more_than_a_mebibyte_end_the_conversation(tmp_path: Path) -> None:
    async with a_door(tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"[" + b" " * 2 * LINE_BYTES_MAX)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_a_client_that_idles_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "IDLE_S_MAX", 0.05)
    monkeypatch.setattr(doors, "TRANSFER_S_MAX", 0.05)
    async with a_door(tmp_path / "s"):
        for begun in (b"", b'{"seen":'):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
            writer.write(begun)
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()


async def test_one_client_too_many_is_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "CLIENTS_MAX", 1)
    async with a_door(tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"{}\n")
        assert await reader.readline()
        second_reader, second = await asyncio.open_unix_connection(tmp_path / "s")
        assert await asyncio.wait_for(second_reader.read(), 5) == b""
        second.close()
        writer.close()


@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user needs root")
async def test_other_users_are_turned_away(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)  # noqa: ASYNC240 # a test's own folder
    async with a_door(tmp_path / "s"):
        # The file's mode alone would let him in.
        (tmp_path / "s").chmod(0o666)
        stranger = (
            "import os, socket, sys\n"
            # From inside, so that the folders above need not let him through.
            "os.chdir(sys.argv[1]); os.setuid(65534)\n"
            "link = socket.socket(socket.AF_UNIX); link.connect('s')\n"
            "try: link.sendall(b'{}\\n'); got = link.recv(100)\n"
            "except ConnectionError: got = b''\n"
            "print(got)"
        )
        child = await asyncio.create_subprocess_exec(
            "/usr/bin/python3", "-c", stranger, str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await child.communicate()
        assert said == b"b''\n"


async def test_the_socket_is_for_its_group_and_replaces_an_old_one(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("left behind")
    async with a_door(tmp_path / "s"):
        mode = (tmp_path / "s").stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o660
