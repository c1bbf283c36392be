"""Every NATS subject, bucket, key and stream name, built and parsed here only."""

COMMAND_PREFIX = "troopers.cmd"
NODE_REQUEST_PREFIX = "troopers.node"
#: what `nats micro ls` shows
SERVICE_NAME = "troopers"

PROJECTS_BUCKET = "projects"
NODES_BUCKET = "nodes"
VOLUMES_BUCKET = "volumes"
#: key: project, a dot, and the number
REVISIONS_BUCKET = "revisions"
DESIRED_BUCKET = "desired"
STATUS_BUCKET = "status"
#: written by the coordinator, read by routers
ROUTES_BUCKET = "routes"
#: what routers have applied; a key is gone fifteen seconds after it was written last
ROUTERS_BUCKET = "routers"
LEASE_BUCKET = "lease"
LEASE_KEY = "coordinator"

EVENTS_STREAM = "EVENTS"
EVENTS_SUBJECTS = "evt.>"
AUDIT_STREAM = "AUDIT"
AUDIT_SUBJECTS = "audit.>"

ALL_HEARTBEATS = "hb.*"
#: the node token of events that no node but the coordinator tells
COORDINATOR_TOKEN = "_coordinator"


def command(noun: str, verb: str) -> str:
    """Where a command or query is requested."""
    return f"{COMMAND_PREFIX}.{noun}.{verb}"


def node_request(node: str, verb: str) -> str:
    """Where the coordinator asks one agent for something imperative."""
    return f"{NODE_REQUEST_PREFIX}.{node}.{verb}"


def heartbeat(node: str) -> str:
    """Where a node proves that it lives."""
    return f"hb.{node}"


def event(node: str, kind: str) -> str:
    """Where an event is told; an empty node is the coordinator."""
    return f"evt.{node or COORDINATOR_TOKEN}.{kind}"


def audit(noun: str, verb: str) -> str:
    """Where an accepted or refused command is written down."""
    return f"audit.{noun}.{verb}"


def kv_stream(bucket: str) -> str:
    """The stream behind a key-value bucket."""
    return f"KV_{bucket}"


def kv_key(bucket: str, key: str) -> str:
    """The subject behind a key. Publishing there is a put; subscribing gives hints of puts."""
    return f"$KV.{bucket}.{key}"


def direct_get(bucket: str, key: str) -> str:
    """Where the newest value of exactly this key is requested; permissions can name it whole."""
    return f"$JS.API.DIRECT.GET.{kv_stream(bucket)}.{kv_key(bucket, key)}"


def node_of(subject: str) -> str:
    """The node that a heartbeat, event or status subject belongs to.

    Readers take the node from here, never from the document: broker permissions guard subjects.
    """
    tokens = subject.split(".")
    return tokens[2] if tokens[0] == "$KV" else tokens[1]
