"""The one table from a reply's reason to an HTTP status."""

from schemas.reply import Progress, ReasonCode, Reply

#: The deadline is a condition in the request's header, so passing it is a failed precondition;
#: 408 would make browsers and proxies send the command again.
STATUS_OF: dict[ReasonCode, int] = {
    ReasonCode.INVALID: 400,
    ReasonCode.NOT_FOUND: 404,
    ReasonCode.CONFLICT: 409,
    ReasonCode.EXPIRED: 412,
    ReasonCode.FAILED: 500,
    ReasonCode.UNAVAILABLE: 503,
}


def status_of(reply: Reply, success: int) -> int:
    """The reply's status; `success` when it is accepted and nothing is known to stand in its way."""
    if reply.outcome == "rejected":
        return STATUS_OF[reply.reason.code if reply.reason else ReasonCode.FAILED]
    if reply.progress is Progress.FAILED:
        return 500
    # Accepted, then overridden by a newer command: what was asked will not come true.
    return 409 if reply.progress is Progress.SUPERSEDED else success
