"""`Ledger`: the last accepted desired document on disk.

Writes: `desired.json`, `epoch` and `pulled.json` in its directory, all by rename. The epoch is the
fencing token, so it has a file of its own: a damaged document must not make an old coordinator
acceptable.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from agent.domain.actions import PullOrder
from agent.domain.observation import Pulled
from schemas.codec import SchemaError, decode, encode
from schemas.desired import NodeDesired

log = structlog.get_logger(__name__)

_DOCUMENT = "desired.json"
_EPOCH = "epoch"
_PULLED = "pulled.json"
#: orders are carried out from memory when a disk takes longer
SAVE_S_MAX = 10.0
_PULLED_TYPE = TypeAdapter(list[tuple[PullOrder, Pulled]])


class FileLedger:
    """A ledger in `directory`, which is made when it is missing. Only its owner may read it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._epoch = self._read_epoch()
        self._written_epoch = self._epoch
        self._fault = ""
        #: the newest write: two at once would have the same partial files
        self._writing: asyncio.Task[None] | None = None

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def fault(self) -> str:
        return self._fault

    def load(self) -> NodeDesired | None:
        path = self._directory / _DOCUMENT
        try:
            return decode(NodeDesired, path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, SchemaError) as error:
            log.exception("the held document can't be read", path=str(path), error=str(error))
            return None

    async def save(self, desired: NodeDesired) -> None:
        # It guards from here on, whatever the disk says.
        self._epoch = max(self._epoch, desired.epoch)
        self._fault = await self._carry_out(lambda: self._write(desired))
        if self._fault:
            log.error(
                "the held document could not be saved",
                directory=str(self._directory),
                error=self._fault,
            )

    def load_pulled(self) -> dict[PullOrder, Pulled]:
        path = self._directory / _PULLED
        try:
            return dict(_PULLED_TYPE.validate_json(path.read_bytes()))
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            log.exception("what was pulled can't be read", path=str(path), error=str(error))
            return {}

    async def save_pulled(self, pulled: Mapping[PullOrder, Pulled]) -> None:
        content = _PULLED_TYPE.dump_json(list(pulled.items()))
        if fault := await self._carry_out(lambda: self._replace(_PULLED, content)):
            log.warning("what was pulled could not be saved", error=fault)

    async def _carry_out(self, write: Callable[[], None]) -> str:
        """Write in a thread, and wait for it, but no longer than `SAVE_S_MAX`; why not, in words.

        A disk that pulls an image may take seconds for each flush, one that dies may take for ever.
        """
        if self._writing is not None and not self._writing.done():
            return "an earlier write has not ended"
        self._writing = asyncio.create_task(asyncio.to_thread(write))
        done, _ = await asyncio.wait({self._writing}, timeout=SAVE_S_MAX)
        if not done:
            return f"the disk has not answered for {SAVE_S_MAX:g} s"
        error = self._writing.exception()
        # RuntimeError: no thread can be started.
        if error is not None and not isinstance(error, OSError | RuntimeError):
            raise error
        return str(error) if error else ""

    def _write(self, desired: NodeDesired) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # First the guard, then what it guards: a crash in between refuses one coordinator too
        # many, never one too few.
        if desired.epoch > self._written_epoch:
            self._replace(_EPOCH, str(desired.epoch).encode())
            self._written_epoch = desired.epoch
        self._replace(_DOCUMENT, encode(desired))

    def _read_epoch(self) -> int:
        path = self._directory / _EPOCH
        try:
            written = int(path.read_text())
        except FileNotFoundError:
            written = 0
        except (OSError, ValueError) as error:
            log.exception("the highest epoch can't be read", path=str(path), error=str(error))
            written = 0
        # Either file alone is enough to know it.
        document = self.load()
        return max(written, document.epoch if document is not None else 0)

    def _replace(self, name: str, content: bytes) -> None:
        """Let `name` have this content, or its old one, whatever happens."""
        path = self._directory / name
        partial = path.with_suffix(".partial")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError:
            # On a full disk, what was half written is in the way of everybody.
            partial.unlink(missing_ok=True)
            raise
        # The rename itself is in the directory.
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
