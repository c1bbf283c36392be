"""Every key of a service is known and understood, or refused with its path."""

from collections.abc import Mapping

from compose.errors import TemplateError, below, clipped
from compose.keys import SERVICE_KEYS, SPELLINGS, V1_SERVICE_KEYS, Verdict
from compose.notes import Notes
from compose.shape import Shape
from compose.tree import Tree, hint, is_extension


def understood(
    service: Mapping[str, Tree], where: str, shape: Shape, notes: Notes
) -> dict[str, Tree]:
    """The service's keys that mean something, under their proper names. Nulls are left out.

    Raises:
        TemplateError: a key is unknown, of another format, or not supported.
    """
    rules = V1_SERVICE_KEYS if shape is Shape.V1 else SERVICE_KEYS
    found: dict[str, Tree] = {}
    for written, value in service.items():
        key = SPELLINGS.get(written, written)
        if is_extension(key):
            continue
        rule = rules.get(key)
        if rule is None:
            raise TemplateError(_unknown(key, shape), where=below(where, written))
        if rule.verdict is Verdict.IMAGE_INSTEAD and value is not None:
            if service.get("image") is None:
                raise TemplateError(rule.reason, where=below(where, written))
            notes.warn("nothing is built here: the nodes pull image", where=below(where, written))
            continue
        if rule.refuses(value):
            raise TemplateError(rule.reason, where=below(where, written))
        if key in found:
            raise TemplateError("is there twice, in two spellings", where=below(where, written))
        if value is None or rule.verdict is Verdict.IGNORED:
            continue
        if rule.verdict is Verdict.WARNED:
            notes.warn(rule.advice, where=below(where, written))
        found[key] = value
    return found


def _unknown(key: str, shape: Shape) -> str:
    if shape is Shape.V1 and key in SERVICE_KEYS:
        return "needs version: '2' or later, with the services under services:"
    rules = V1_SERVICE_KEYS if shape is Shape.V1 else SERVICE_KEYS
    return f"{clipped(key)} is no key of a service{hint(key, rules)}"
