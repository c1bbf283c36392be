"""Speaks to this node's mountd.

One connection, made when it is needed and made anew after any trouble. The agent itself never
touches a share: what it knows of mounts, it knows from here.
"""

import asyncio
import contextlib
from pathlib import Path

from schemas.codec import SchemaError, decode, encode
from schemas.errors import Transient
from schemas.mounting import LINE_BYTES_MAX, MountOrders, MountReport

#: mountd answers from memory. More than this beyond the asked wait means that it hangs.
ANSWER_S_MAX = 5.0


class MountdUnavailable(Transient):
    """mountd can't be reached, hangs, or makes no sense: nothing is known of the mounts now."""

    code = "mountd"


class MountdClient:
    """Safe for several tasks: one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def report(self, orders: MountOrders) -> MountReport:
        """Give the orders, whole, and hear how every mount is.

        Takes at most `orders.wait_s` and a few seconds. Giving the same orders again changes
        nothing, so a caller simply repeats what failed. Cancelling it drops the connection.

        Raises:
            MountdUnavailable: no report; the orders may have been taken or not.
        """
        line = encode(orders) + b"\n"
        if len(line) > LINE_BYTES_MAX:
            raise MountdUnavailable(f"orders of {len(line)} bytes are too long for mountd")
        async with self._turn:
            try:
                async with asyncio.timeout(orders.wait_s + ANSWER_S_MAX):
                    answer = await self._exchange(line)
                report = decode(MountReport, answer)
            except TimeoutError as error:
                self._drop()
                raise MountdUnavailable("mountd did not answer in time") from error
            except (OSError, EOFError, asyncio.LimitOverrunError) as error:
                self._drop()
                raise MountdUnavailable(f"mountd can't be reached at {self._path}") from error
            except SchemaError as error:
                self._drop()
                raise MountdUnavailable("mountd's report makes no sense") from error
            except asyncio.CancelledError:
                # Its answer is still to come, and it isn't the answer to the next request.
                self._drop()
                raise
        if report.error:
            raise MountdUnavailable(f"mountd refused the orders: {report.error}")
        return report

    async def close(self) -> None:
        """Hang up. The mounts stay."""
        streams = self._streams
        self._drop()
        if streams is not None:
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()

    async def _exchange(self, line: bytes) -> bytes:
        if self._streams is None or self._streams[0].at_eof():
            # mountd was started anew since the last time.
            self._drop()
            self._streams = await asyncio.open_unix_connection(
                str(self._path), limit=LINE_BYTES_MAX
            )
        reader, writer = self._streams
        writer.write(line)
        await writer.drain()
        return await reader.readuntil(b"\n")

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
