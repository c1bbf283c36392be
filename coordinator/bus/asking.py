"""`asking`: a few steps on the bus with one deadline, and the library's errors turned into ours."""

import contextlib
from collections.abc import AsyncIterator

from coordinator.errors import BusUnavailable
from daemon.nats_client import Client
from daemon.nats_link import NATS_ERRORS, NatsLink

#: An acknowledgement takes a millisecond; a cluster that has lost a leader needs 5 to 8 s, and a
#: caller had better ask again than wait so long.
REQUEST_TIMEOUT_S = 5.0


@contextlib.asynccontextmanager
async def asking(
    link: NatsLink, doing: str, within_s: float = REQUEST_TIMEOUT_S
) -> AsyncIterator[Client]:
    """Use the link's client of now. `doing` completes "can't ...".

    Raises:
        BusUnavailable: there is no link, it was lost meanwhile, or the answer took too long.
    """
    try:
        async with link.within(within_s) as client:
            yield client
    except NATS_ERRORS as error:
        raise BusUnavailable(f"NATS: can't {doing}") from error
