"""`pull_policy`: whether a node that has the image asks the registry for a newer one."""

from collections.abc import Mapping

from compose.errors import TemplateError, below, shown
from compose.tree import Tree, text

_WHEN_MISSING = frozenset({"missing", "if_not_present", ""})


def always_pulls(found: Mapping[str, Tree], where: str) -> bool:
    """Whether the service asks for the newest image.

    Raises:
        TemplateError: a policy that the agents don't have.
    """
    at = below(where, "pull_policy")
    policy = text(found.get("pull_policy", ""), at)
    if policy == "build":
        raise TemplateError("nothing is built on a cluster", where=at)
    if policy == "always" or policy in _WHEN_MISSING:
        return policy == "always"
    raise TemplateError(f"must be always, missing or if_not_present, not {shown(policy)}", where=at)
