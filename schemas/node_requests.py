"""What the coordinator asks of one agent, beside its orders. Nothing here changes what is wanted."""

from pydantic import AwareDatetime, Field

from schemas.document import Document


class SignalRequest(Document):
    """Send a signal to containers. Refused after `deadline`, and from a former coordinator."""

    #: ids
    containers: tuple[str, ...] = Field(min_length=1, max_length=1000)
    signal: str = Field(pattern=r"^[A-Z0-9+-]{1,16}$")
    #: of the coordinator that asks, as in its orders
    epoch: int = Field(ge=0)
    deadline: AwareDatetime


class SignalReply(Document):
    """How it went."""

    #: why some container could not be signalled; empty: all were
    error: str = ""
