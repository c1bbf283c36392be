"""`NatsNodeRequests`: imperative requests to one agent. Nothing here changes what is wanted."""

import json

from nats.errors import NoRespondersError

from daemon.nats_link import NATS_ERRORS, NatsLink
from schemas import subjects

#: The agent answers when its engine has; the engine's own deadline is shorter.
TIMEOUT_S = 10.0


class NatsNodeRequests:
    """Implements `coordinator.ports.NodeRequests`."""

    def __init__(self, link: NatsLink) -> None:
        self._link = link

    async def signal(self, node: str, container_ids: tuple[str, ...], signal: str) -> str:
        payload = json.dumps({"containers": container_ids, "signal": signal}).encode()
        subject = subjects.node_request(node, "signal")
        try:
            reply = await self._link.request(subject, payload, within_s=TIMEOUT_S)
            answer = json.loads(reply.data)
        except NoRespondersError:
            return "its agent does not answer"
        except (*NATS_ERRORS, ValueError) as error:
            return f"no answer ({type(error).__name__})"
        if not isinstance(answer, dict):
            return "its answer can't be understood"
        return "" if answer.get("ok") else str(answer.get("error") or "refused without a reason")
