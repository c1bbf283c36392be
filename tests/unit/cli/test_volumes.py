"""`troopers volume`: where keys come from, and what is said of a removal."""

from pathlib import Path
from typing import cast

import pytest

from cli import volumes
from cli.api import Api
from cli.errors import ApiError, UsageError


@pytest.mark.parametrize("text", ["", "only-an-id", "id:secret\nmore:lines\n"])
def test_a_file_with_keys_holds_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    # Nothing is sent, so there is nobody to send it to.
    nobody = cast("Api", None)
    with pytest.raises(UsageError, match="must hold one line, ID:SECRET"):
        volumes.create(nobody, "p", "ossfs", (), file)


class Server:
    """Takes the removal; the volume is there until then, and `after` it, or is not."""

    def __init__(self, after: int) -> None:
        self._after = after

    def delete(self, _path: str) -> None:
        """204, also where it is still under way."""

    def get(self, path: str) -> None:
        if self._after >= 400:
            raise ApiError(f"GET {path}", status=self._after)


def test_only_what_is_gone_is_said_to_be_gone() -> None:
    assert volumes.remove(cast("Api", Server(404)), "p")
    assert not volumes.remove(cast("Api", Server(200)), "p")
    with pytest.raises(ApiError):
        volumes.remove(cast("Api", Server(503)), "p")
