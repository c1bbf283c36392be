"""What can go wrong on a node.

    Transient
    ├── EngineUnavailable   the engine can't be reached
    ├── EngineTimeout       the engine did not answer in time
    ├── EngineFailed        the engine answered with an error of its own
    ├── PullFailed          an image can't be pulled now
    ├── Defect              the agent failed in a way that nobody foresaw
    └── BusUnavailable      no acknowledgement from NATS
    Permanent
    ├── ImageNotFound       neither on the node nor in its registry
    ├── PullDenied          its registry doesn't give it to this node
    ├── ContainerRejected   the engine refuses the configuration
    └── PortTaken           a published port belongs to somebody else

`code` is what `SlotProblem.code` says. A permanent error is still tried again, now and then: an
operator may push the image or free the port without telling us.
"""

from schemas.errors import Permanent, Transient


class EngineUnavailable(Transient):
    """The engine can't be reached: its socket is gone or refuses."""

    code = "engine"


class EngineTimeout(Transient):
    """The engine took a call and did not answer in time. Whether it acted is unknown."""

    code = "engine"


class EngineFailed(Transient):
    """The engine answered with an error of its own (HTTP 5xx) that has no better name."""

    code = "engine"


class PullFailed(Transient):
    """The way to the registry, the registry itself, or the node's disk is in the way of a pull."""

    code = "pull_failed"


class Defect(Transient):
    """A mistake of ours in one action or look: that one has failed, and the agent goes on.

    The same mistake may be made at every restart, and would take the whole node along.
    """

    code = "defect"

    def __init__(self, error: Exception) -> None:
        super().__init__(f"a defect of the agent: {type(error).__name__}: {error}")
        self.__cause__ = error


class BusUnavailable(Transient):
    """NATS did not acknowledge."""

    code = "bus"


class ImageNotFound(Permanent):
    """The image is not on this node, and its registry doesn't have it."""

    code = "image_not_found"


class PullDenied(Permanent):
    """The registry doesn't give this node the image: it wants other credentials, or none will do."""

    code = "pull_denied"


class ContainerRejected(Permanent):
    """The engine refuses this container's configuration."""

    code = "rejected"


class PortTaken(Permanent):
    """A published port of the node is in use."""

    code = "port_taken"
