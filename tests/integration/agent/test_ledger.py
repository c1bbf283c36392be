"""`FileLedger` on a real disk."""

import asyncio
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from agent.adapters import ledger as ledger_module
from agent.adapters.ledger import FileLedger
from agent.domain.actions import PullOrder
from agent.domain.observation import Pulled
from schemas.desired import NodeDesired
from tests.contract.engines import eventually


def document(epoch: int = 1, generation: int = 1) -> NodeDesired:
    return NodeDesired(node="n1", epoch=epoch, generation=generation)


def test_a_new_ledger_is_empty(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "not" / "there")
    assert ledger.load() is None
    assert ledger.epoch == 0


async def test_what_was_saved_last_is_found_by_the_next_process(tmp_path: Path) -> None:
    for generation in (1, 2):
        await FileLedger(tmp_path / "state").save(document(epoch=5, generation=generation))
    after = FileLedger(tmp_path / "state")
    assert after.load() == document(epoch=5, generation=2)
    assert after.epoch == 5


async def test_what_was_pulled_is_known_to_the_next_process(tmp_path: Path) -> None:
    order = PullOrder("shop", "web", "spec", "1", refresh=1)
    pulled = {order: Pulled("sha256:1", refusal="no route")}
    ledger = FileLedger(tmp_path / "state")
    assert ledger.load_pulled() == {}
    await ledger.save(document())
    await ledger.save_pulled(pulled)
    assert FileLedger(tmp_path / "state").load_pulled() == pulled
    (tmp_path / "state" / "pulled.json").write_text("{torn")
    assert FileLedger(tmp_path / "state").load_pulled() == {}


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    await FileLedger(tmp_path / "state").save(document())
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    for path in (tmp_path / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"node": "n1"}'])
async def test_a_damaged_document_is_none_and_keeps_the_epoch(
    tmp_path: Path, content: bytes
) -> None:
    await FileLedger(tmp_path).save(document(epoch=9))
    (tmp_path / "desired.json").write_bytes(content)
    after = FileLedger(tmp_path)
    assert after.load() is None
    assert after.epoch == 9


async def test_a_damaged_epoch_is_taken_from_the_document(tmp_path: Path) -> None:
    await FileLedger(tmp_path).save(document(epoch=9))
    (tmp_path / "epoch").write_text("nine")
    assert FileLedger(tmp_path).epoch == 9


async def test_the_epoch_never_goes_back(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path)
    await ledger.save(document(epoch=9))
    await ledger.save(document(epoch=3))
    assert (ledger.epoch, FileLedger(tmp_path).epoch) == (9, 9)


async def test_a_disk_that_refuses_keeps_the_old_document_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = FileLedger(tmp_path)
    await ledger.save(document(generation=1))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    await ledger.save(document(epoch=2, generation=2))
    monkeypatch.undo()
    assert ledger.epoch == 2
    assert "No space left" in ledger.fault
    assert FileLedger(tmp_path).load() == document(generation=1)
    assert sorted(os.listdir(tmp_path)) == ["desired.json", "epoch"]  # noqa: PTH208


async def test_a_fault_is_over_with_the_next_save_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = FileLedger(tmp_path)

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        await ledger.save(document())
    assert ledger.fault == "can't start new thread"
    await ledger.save(document())
    assert ledger.fault == ""
    assert FileLedger(tmp_path).load() == document()


async def test_a_slow_disk_leaves_the_loop_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, release = threading.Event(), threading.Event()

    def slow(_descriptor: int) -> None:
        reached.set()
        assert release.wait(10)

    monkeypatch.setattr(os, "fsync", slow)
    saving = asyncio.create_task(FileLedger(tmp_path).save(document()))
    # The loop comes back while the disk is busy.
    await eventually(reached.is_set)
    assert not saving.done()
    release.set()
    await saving
    assert FileLedger(tmp_path).load() == document()


async def test_the_document_is_plain_json_for_people(tmp_path: Path) -> None:
    await FileLedger(tmp_path).save(document(generation=4))
    assert json.loads((tmp_path / "desired.json").read_text())["generation"] == 4


async def test_a_disk_that_never_answers_holds_up_nobody_and_guards_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(ledger_module, "SAVE_S_MAX", 0.05)
    monkeypatch.setattr(os, "fsync", lambda _: answered.wait(30))
    ledger = FileLedger(tmp_path / "state")
    await ledger.save(document(epoch=7))
    assert (ledger.fault, ledger.epoch) == ("the disk has not answered for 0.05 s", 7)
    await ledger.save(document(epoch=8))
    assert ledger.fault == "an earlier write has not ended"
    answered.set()
    async with asyncio.timeout(10):
        while ledger.fault:
            await asyncio.sleep(0.01)
            await ledger.save(document(epoch=8))
    assert FileLedger(tmp_path / "state").epoch == 8


async def test_an_epoch_that_a_disk_refused_is_written_with_the_next_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = FileLedger(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(Path, "replace", _refuse)
        await ledger.save(document(epoch=9))
    assert ledger.fault == "no space left"
    await ledger.save(document(epoch=9))
    assert (tmp_path / "epoch").read_text() == "9"


def _refuse(*_: object) -> None:
    raise OSError("no space left")
