"""The NATS face: every command and query as a request, listed by NATS micro discovery.

Reads: `troopers.cmd.<noun>.<verb>`, JSON. Writes: one `Reply` to each, whatever was sent.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
from nats.errors import ConnectionClosedError, MaxPayloadError
from nats.errors import Error as NatsError
from nats.micro import add_service
from nats.micro.request import Request
from nats.micro.service import Service

from coordinator.faces.admission import (
    Admission,
    Kind,
    Refused,
    kind_of_command,
    kind_of_query,
)
from coordinator.ports import Answer, Door
from daemon.nats_client import Client
from daemon.nats_link import ANSWER_S, NATS_ERRORS, NatsLink
from schemas import codec, subjects
from schemas.command import COMMANDS, AnyCommand
from schemas.documents import schema_file
from schemas.errors import InvalidInput, Transient
from schemas.query import QUERIES, AnyQuery
from schemas.reply import Progress, Reason, ReasonCode, Reply
from schemas.strict_json import PAYLOAD_BYTES_MAX, parse_object

#: what requests in flight get to finish when the face is closed
STOP_GRACE_S = 3.0
#: how long a reply waits for a link that was lost meanwhile: longer, and nobody listens any more
LATE_REPLY_S = 15.0
#: of the service as discovery shows it: raised with the commands, not with the program
SERVICE_VERSION = "1.0.0"

_log = structlog.get_logger(__name__)

#: of an accepted query's reply: the result is put in as the bytes that it already is
_REPLY_HEAD = codec.encode(Reply(outcome="accepted")).removesuffix(b"null}")

Answering = Callable[[bytes], Awaitable[bytes]]


class NatsFace:
    """Answers requests on NATS for a door. `admission` is shared with the other faces."""

    def __init__(self, link: NatsLink, door: Door, admission: Admission | None = None) -> None:
        self._link = link
        self._door = door
        self._admission = admission or Admission()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._service: Service | None = None

    async def run(self) -> None:
        """For ever: answer on every connection of the link. Cancelled, it does so until `stop`."""
        async for client in self._link.clients():
            try:
                await self._answer_on(client)
            except NATS_ERRORS as error:
                # Lost again already, or hung: then it soon will be, and the next one comes.
                _log.warning("the NATS face could not be set up", error=repr(error))

    async def _answer_on(self, client: Client) -> None:
        self._service = await add_service(
            client,
            name=subjects.SERVICE_NAME,
            version=SERVICE_VERSION,
            description="Commands and queries of a Troopers cluster",
        )
        for (noun, verb), command in COMMANDS.items():
            await self._listen(self._service, noun, verb, command, self._submitting(command))
        for (noun, verb), query in QUERIES.items():
            await self._listen(self._service, noun, verb, query, self._asking(query))
        # A request sent from now on must find an answer. Within the link, which ends a wait that
        # nats-py goes on with although its connection is gone or its task was cancelled.
        async with self._link.within(ANSWER_S):
            await client.flush()

    async def stop(self) -> None:
        """Take no more requests, and let those in flight finish for a moment."""
        service, self._service = self._service, None
        if service is not None:
            # A connection that is gone has no subscriptions left to end. Within the link: nats-py
            # waits ten seconds for the answer of a server that has gone meanwhile.
            with contextlib.suppress(*NATS_ERRORS):
                async with self._link.within(ANSWER_S):
                    await service.stop()
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=STOP_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _listen(
        self,
        service: Service,
        noun: str,
        verb: str,
        model: type[AnyCommand] | type[AnyQuery],
        answering: Answering,
    ) -> None:
        async def receive(request: Request) -> None:
            # Only starts a task: a subscription is read one message at a time, and a command that
            # waits must not hold up the next one.
            self._start(self._answer(request, answering))

        await service.add_endpoint(
            name=f"{noun}-{verb}",
            subject=subjects.command(noun, verb),
            handler=receive,
            metadata={
                "request_schema": schema_file(model),
                "response_schema": schema_file(Reply),
            },
        )

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    def _submitting(self, model: type[AnyCommand]) -> Answering:
        kind = kind_of_command(model)

        async def submit(payload: bytes) -> bytes:
            # Before it is read, which for a template takes as long as much else.
            self._admission.check(kind)
            fields = _parsed(payload)
            given = fields.get("command_id")
            named = given if isinstance(given, str) else ""
            try:
                return codec.encode(await self._submit(codec.validate(model, fields), kind))
            except InvalidInput as error:
                return codec.encode(Reply.rejecting(error, command_id=named))
            except Refused as refused:
                return codec.encode(_refusal(refused, command_id=named))

        return submit

    async def _submit(self, command: AnyCommand, kind: Kind) -> Reply:
        """Those who wait are counted apart: however many they are, new commands are decided."""
        if not command.wait:
            return await self._decide(command, kind)
        try:
            waiting = self._admission.take(Kind.WAIT)
        except Refused:
            reply = await self._decide(command.model_copy(update={"wait": 0.0}), kind)
            is_open = reply.outcome == "accepted" and reply.progress is None
            return reply.model_copy(update={"progress": Progress.RUNNING}) if is_open else reply
        with waiting:
            return await self._decide(command, kind)

    async def _decide(self, command: AnyCommand, kind: Kind) -> Reply:
        with self._admission.take(kind) as deciding:
            return await self._door.submit(command, deciding.give_back)

    def _asking(self, model: type[AnyQuery]) -> Answering:
        kind = kind_of_query(model)

        async def ask(payload: bytes) -> bytes:
            with self._admission.take(kind):
                # An empty request asks with every default, so that `nats req … ''` works.
                return _shown(
                    await self._door.ask(codec.validate(model, _parsed(payload or b"{}")))
                )

        return ask

    async def _answer(self, request: Request, answering: Answering) -> None:
        try:
            payload = await answering(request.data)
        except (InvalidInput, Transient) as error:
            payload = codec.encode(Reply.rejecting(error))
        except Refused as refused:
            payload = codec.encode(_refusal(refused))
        except Exception:  # noqa: BLE001 - a defect of ours must not leave the publisher waiting
            error_id = uuid.uuid4().hex
            _log.exception("a NATS request failed", subject=request.subject, error_id=error_id)
            message = f"internal error, see the log for {error_id}"
            payload = codec.encode(_rejected(ReasonCode.FAILED, message))
        await self._respond(request, payload)

    async def _respond(self, request: Request, payload: bytes) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await request.respond(payload)
        except MaxPayloadError:
            message = "the answer is larger than the broker takes; ask for less"
            await self._respond(request, codec.encode(_rejected(ReasonCode.FAILED, message)))
        except ValueError:
            # Published, not requested: nobody waits for the reply.
            _log.debug("nobody waits for the reply of a NATS command", subject=request.subject)
        except (ConnectionClosedError, TimeoutError):
            await self._respond_late(request, payload)
        except NatsError as error:
            # The effect stands; a publisher that asks again with the same id gets the same reply.
            _log.warning("a NATS reply was not sent", subject=request.subject, error=repr(error))

    async def _respond_late(self, request: Request, payload: bytes) -> None:
        """The connection on which it was asked is gone; who asked may hear us on the next one."""
        reply = request._msg.reply  # noqa: SLF001 - it answers on its own connection only
        try:
            async with asyncio.timeout(LATE_REPLY_S):
                async for client in self._link.clients():
                    if client is not request._msg._client:  # noqa: SLF001
                        await client.publish(reply, payload)
                        return
        except NATS_ERRORS as error:
            _log.warning("a NATS reply was not sent", subject=request.subject, error=repr(error))


def _shown(answer: Answer) -> bytes:
    return b"".join((_REPLY_HEAD, *answer.pieces, b"}"))


def _parsed(payload: bytes) -> dict[str, Any]:
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise InvalidInput(f"the payload is larger than {PAYLOAD_BYTES_MAX} bytes")
    return parse_object(payload)


def _rejected(code: ReasonCode, message: str) -> Reply:
    return Reply(outcome="rejected", reason=Reason(code=code, message=message))


def _refusal(refused: Refused, *, command_id: str = "") -> Reply:
    again = f"{refused}; ask again in {refused.retry_after_s} s"
    reply = _rejected(ReasonCode.UNAVAILABLE, again)
    return reply.model_copy(update={"command_id": command_id})
