"""`FileLedger` on a real disk."""

import json
import os
import stat
from pathlib import Path

import pytest

from agent.adapters.ledger import FileLedger
from schemas.desired import NodeDesired


def document(epoch: int = 1, generation: int = 1) -> NodeDesired:
    return NodeDesired(node="n1", epoch=epoch, generation=generation)


def test_a_new_ledger_is_empty(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "not" / "there")
    assert ledger.load() is None
    assert ledger.epoch == 0


def test_what_was_saved_last_is_found_by_the_next_process(tmp_path: Path) -> None:
    for generation in (1, 2):
        FileLedger(tmp_path / "state").save(document(epoch=5, generation=generation))
    after = FileLedger(tmp_path / "state")
    assert after.load() == document(epoch=5, generation=2)
    assert after.epoch == 5


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    FileLedger(tmp_path / "state").save(document())
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    for path in (tmp_path / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"node": "n1"}'])
def test_a_damaged_document_is_none_and_keeps_the_epoch(tmp_path: Path, content: bytes) -> None:
    FileLedger(tmp_path).save(document(epoch=9))
    (tmp_path / "desired.json").write_bytes(content)
    after = FileLedger(tmp_path)
    assert after.load() is None
    assert after.epoch == 9


def test_a_damaged_epoch_is_taken_from_the_document(tmp_path: Path) -> None:
    FileLedger(tmp_path).save(document(epoch=9))
    (tmp_path / "epoch").write_text("nine")
    assert FileLedger(tmp_path).epoch == 9


def test_the_epoch_never_goes_back(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path)
    ledger.save(document(epoch=9))
    ledger.save(document(epoch=3))
    assert (ledger.epoch, FileLedger(tmp_path).epoch) == (9, 9)


def test_a_disk_that_refuses_keeps_the_old_document_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = FileLedger(tmp_path)
    ledger.save(document(generation=1))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ledger.save(document(epoch=2, generation=2))
    monkeypatch.undo()
    assert ledger.epoch == 2
    assert FileLedger(tmp_path).load() == document(generation=1)
    assert sorted(os.listdir(tmp_path)) == ["desired.json", "epoch"]  # noqa: PTH208


def test_the_document_is_plain_json_for_people(tmp_path: Path) -> None:
    FileLedger(tmp_path).save(document(generation=4))
    assert json.loads((tmp_path / "desired.json").read_text())["generation"] == 4
