"""`NatsNodeRequests`: imperative requests to one agent. Nothing here changes what is wanted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from nats.errors import NoRespondersError

from coordinator.clock import CLOCK, Clock
from daemon.nats_link import NATS_ERRORS, NatsLink
from schemas import subjects
from schemas.codec import SchemaError, decode, encode
from schemas.node_requests import SignalReply, SignalRequest

#: by how much a node's clock may be ahead of ours before it takes every request for late
CLOCKS_DIFFER_S = 2.0


class NatsNodeRequests:
    """Implements `coordinator.ports.NodeRequests`."""

    def __init__(self, link: NatsLink, epoch: Callable[[], int], clock: Clock = CLOCK) -> None:
        self._link = link
        self._clock = clock
        self._epoch = epoch

    async def signal(
        self, node: str, container_ids: tuple[str, ...], signal: str, deadline: datetime
    ) -> str:
        request = SignalRequest(
            containers=container_ids,
            signal=signal,
            epoch=self._epoch(),
            deadline=deadline + timedelta(seconds=CLOCKS_DIFFER_S),
        )
        within_s = (deadline - self._clock.now()).total_seconds()
        try:
            reply = await self._link.request(
                subjects.node_request(node, "signal"), encode(request), within_s=max(0.0, within_s)
            )
            return decode(SignalReply, reply.data).error
        except NoRespondersError:
            return "its agent does not answer"
        except TimeoutError:
            return "its agent has not answered in time"
        except NATS_ERRORS as error:
            return f"NATS is in the way ({type(error).__name__})"
        except SchemaError:
            return "its answer can't be understood"
