"""`troopers volume`: where keys come from, and what is said of a removal."""

from pathlib import Path
from typing import cast

import pytest

from cli import volumes
from cli.client import Client
from cli.errors import UsageError
from tests.unit.cli.stub import Reply, Run, Stub


@pytest.mark.parametrize("text", ["", "only-an-id", "id:secret\nmore:lines\n"])
def test_a_file_with_keys_holds_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    # Nothing is sent, so there is nobody to send it to.
    nobody = cast("Client", None)
    with pytest.raises(UsageError, match="must hold one line, ID:SECRET"):
        volumes.create(nobody, "p", "ossfs", (), file)


@pytest.mark.parametrize(
    ("after", "code", "said"),
    [
        ((404, {"message": "Not Found: volume p"}), 0, "p is gone.\n"),
        ((200, {"Name": "p"}), 0, "p is being unmounted.\n"),
        ((503, {"message": "a standby"}), 1, ""),
    ],
)
def test_only_what_is_gone_is_said_to_be_gone(
    stub: Stub, run: Run, after: Reply, code: int, said: str
) -> None:
    stub.on("DELETE", "/volumes/p", (204, None))
    stub.on("GET", "/volumes/p", after)
    done = run("volume", "rm", "p")
    assert (done.code, done.out) == (code, said)


def test_a_volume_is_created_from_its_options(stub: Stub, run: Run) -> None:
    stub.on("POST", "/volumes/create", (201, {"Name": "p", "Mountpoint": "/mnt/p"}))
    done = run("volume", "create", "p", "--driver", "nas", "-o", "host=10.0.0.9")
    assert done.out == "p is being mounted at /mnt/p on every node.\n"
    assert stub.commands()[0].body == {
        "name": "p",
        "driver": "nas",
        "driverOpts": {"host": "10.0.0.9"},
    }


def test_a_record_in_doubt_is_restored(stub: Stub, run: Run) -> None:
    stub.on("POST", "/volumes/p/restore", (200, None))
    stub.on("POST", "/projects/shop/restore", (200, None))
    assert run("volume", "restore", "p").out == "p has its record again.\n"
    assert run("project", "restore", "shop").out.startswith("shop has its record again.")
    # As long as the API sees fit.
    assert all("wait" not in each.query for each in stub.asked)
