"""What an agent and its node's mountd say to each other, over a unix socket, a JSON line each.

The agent says what is wanted, whole, as often as it likes; mountd converges by itself and answers
with what is. What outlives a mountd process are the mounts, and which of them is which; orders are
given again.
"""

from pydantic import Field

from schemas.current import MountCurrent
from schemas.desired import DesiredMount
from schemas.document import Document

#: of one line, either way: some thousand volumes
LINE_BYTES_MAX = 1 << 20


class MountOrders(Document):
    """Every volume of the node. One that is missing here is left as it is."""

    mounts: tuple[DesiredMount, ...] = ()
    #: mount path -> the directories and files in it that containers get instead of the whole
    sub_paths: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    #: answer when something differs from the report of this number, or after `wait_s`
    seen: int = -1
    wait_s: float = Field(default=0.0, ge=0, le=30)


class MountReport(Document):
    """Every mount that mountd knows. `number` is raised by every change."""

    number: int
    mounts: tuple[MountCurrent, ...] = ()
    #: processes that a file server holds in the kernel, where nothing can end them
    hanging: int = 0
    #: why the orders were refused; empty when they were not
    error: str = ""
