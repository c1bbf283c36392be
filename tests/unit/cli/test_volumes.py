"""`troopers volume`: where keys come from."""

from pathlib import Path
from typing import cast

import pytest

from cli import volumes
from cli.api import Api
from cli.errors import UsageError


@pytest.mark.parametrize("text", ["", "only-an-id", "id:secret\nmore:lines\n"])
def test_a_file_with_keys_holds_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    # Nothing is sent, so there is nobody to send it to.
    nobody = cast("Api", None)
    with pytest.raises(UsageError, match="must hold one line, ID:SECRET"):
        volumes.create(nobody, "p", "ossfs", (), file)
