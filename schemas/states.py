"""The words for states that users see.

Five words describe a project or a service. What they can't say (a silent node, a crash loop, how
stale the news is) stands beside them in extra fields.
"""

from enum import StrEnum


class State(StrEnum):
    """The public states of projects and services, in the API's lower case."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETED = "deleted"


class Wanted(StrEnum):
    """What one slot must be on its node. `absent` is the only word that removes a container."""

    RUNNING = "running"
    STOPPED = "stopped"
    ABSENT = "absent"


class Health(StrEnum):
    """A container's health: of its HEALTHCHECK, its probe, or none of them (healthy by default)."""

    NONE = ""
    STARTING = "starting"
    SUCCESS = "success"
    FAILURE = "failure"


class EngineState(StrEnum):
    """Whether a node's Docker Engine can be read."""

    READY = "ready"
    UNRESPONSIVE = "unresponsive"
    DOWN = "down"


class NodeState(StrEnum):
    """What the coordinator believes of a node."""

    READY = "ready"
    SUSPECT = "suspect"
    DOWN = "down"


class MountState(StrEnum):
    """A volume's mount on one node."""

    MOUNTING = "mounting"
    MOUNTED = "mounted"
    #: mounted, but the server doesn't answer: whoever touches it may hang
    STUCK = "stuck"
    FAILED = "failed"
    UNMOUNTING = "unmounting"
