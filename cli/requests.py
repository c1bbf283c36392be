"""`Requests`: commands that were sent, and the wait for the last of them to be carried out.

A command that is sent again under its id has no second effect: its answer tells how far the first
one has come. So a wait is made of short ones, each as good after a coordinator's restart as before.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from cli.client import Client, will_pass
from cli.errors import ApiError
from cli.operations import Value
from cli.outcomes import Outcome, Result
from cli.transport import Answer

#: what is shown is as old as this at most
SLICE_S = 1.0
#: An answer that comes so much before its wait is over has seen the end.
_MARGIN_S = 0.01


@dataclass(frozen=True, slots=True)
class Request:
    """One command, and the id under which it is sent as often as it takes."""

    operation: str
    values: Mapping[str, Value]
    body: object = None
    command_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def send(self, client: Client, wait: float) -> Answer:
        """Raises ApiError: refused, failed, or superseded."""
        return client.call(
            self.operation, body=self.body, command_id=self.command_id, wait=wait, **self.values
        )


class Requests:
    """Commands that were accepted; `judge` waits for them."""

    def __init__(self, client: Client, requests: tuple[Request, ...]) -> None:
        self._client = client
        self._open = list(requests)

    def judge(self) -> Outcome | None:
        """How it has ended, when the last one has or one can't; after `SLICE_S` None.

        Raises ApiError when there is no answer.
        """
        wait = SLICE_S / len(self._open)
        for request in tuple(self._open):
            began_at = time.monotonic()
            try:
                request.send(self._client, wait)
            except ApiError as error:
                if will_pass(error):
                    raise
                is_superseded = error.status == HTTPStatus.CONFLICT
                result = Result.SUPERSEDED if is_superseded else Result.FAILED
                return Outcome(result, str(error))
            if time.monotonic() - began_at < wait - _MARGIN_S:
                self._open.remove(request)
        return None if self._open else Outcome(Result.DONE)
