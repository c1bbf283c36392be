"""`pull_policy` and `aliyun.latest_image`: when the nodes ask the registry for the image."""

from collections.abc import Mapping

from compose.errors import TemplateError, below, shown
from compose.notes import Notes
from compose.tree import Tree, text
from schemas.desired import PullPolicy

_POLICIES = {
    "": PullPolicy.MISSING,
    "missing": PullPolicy.MISSING,
    "if_not_present": PullPolicy.MISSING,
    "always": PullPolicy.ALWAYS,
    "never": PullPolicy.NEVER,
}


def pull_policy(
    found: Mapping[str, Tree], where: str, notes: Notes, *, latest_image: bool
) -> PullPolicy:
    """What the service asks for, by its key or by its label.

    Raises:
        TemplateError: a policy that the agents don't have, or the label says the opposite.
    """
    at = below(where, "pull_policy")
    written = text(found.get("pull_policy", ""), at)
    if written == "build":
        notes.warn("nothing is built here: the nodes pull the image", where=at)
        written = "missing"
    if written not in _POLICIES:
        raise TemplateError(
            f"must be always, missing, if_not_present or never, not {shown(written)}", where=at
        )
    policy = _POLICIES[written]
    if latest_image and policy is PullPolicy.NEVER:
        raise TemplateError("the label aliyun.latest_image says the opposite", where=at)
    return PullPolicy.ALWAYS if latest_image else policy
