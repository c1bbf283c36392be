"""What Troopers makes of the keys below `deploy` and those of the top's sections."""

from collections.abc import Mapping

from compose.errors import TemplateError, below
from compose.keys import KeyRule, Verdict, advised, rules
from compose.notes import Notes
from compose.tree import Tree, hint, is_extension, mapping

DEPLOY_KEYS: Mapping[str, KeyRule] = {
    **rules(
        Verdict.HONOURED,
        "mode replicas resources restart_policy placement update_config rollback_config",
    ),
    **advised(
        Verdict.WARNED,
        {
            "endpoint_mode": "a service's name always leads to its containers' own addresses",
            "labels": "they are for the service alone, and shown with its definition only",
        },
    ),
}

POLICY_KEYS: Mapping[str, KeyRule] = rules(
    Verdict.HONOURED, "parallelism delay failure_action monitor max_failure_ratio order"
)

RESTART_POLICY_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "condition max_attempts"),
    **advised(
        Verdict.WARNED,
        {
            "delay": "the agent waits 1, 10, 20 ... 300 s between starts",
            "window": "a container counts as well after ten minutes",
        },
    ),
}

PLACEMENT_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "constraints"),
    **advised(
        Verdict.WARNED, {"preferences": "containers are spread over the nodes by their load"}
    ),
    **advised(
        Verdict.LATER,
        {"max_replicas_per_node": "affinity:service!=NAME in environment allows one on each node"},
    ),
}

NETWORK_KEYS: Mapping[str, KeyRule] = {
    **rules(
        Verdict.HONOURED,
        "driver driver_opts enable_ipv6 external internal ipam labels name attachable",
    ),
    **advised(Verdict.REFUSED, {"enable_ipv4": "every network has IPv4"}),
}

JOINING_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "aliases ipv4_address ipv6_address link_local_ips priority"),
    **advised(
        Verdict.LATER,
        {
            "driver_opts": "",
            "gw_priority": "",
            "interface_name": "",
            "mac_address": "set mac_address of the service",
        },
    ),
}

VOLUME_KEYS: Mapping[str, KeyRule] = rules(
    Verdict.HONOURED, "driver driver_opts external labels name"
)

_NO_FILE = (
    "a template has no directory to read it from; write the text under content, or name a "
    "variable of the project under environment"
)
_NO_PLUGIN = "the texts are the template's own"

CONFIG_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "content environment"),
    **advised(
        Verdict.WARNED,
        {
            "name": "services name it by its key: no effect",
            "labels": "no engine has an object that could carry them: no effect",
        },
    ),
    **advised(
        Verdict.LATER,
        {"external": "the cluster keeps none by itself; use content or environment"},
    ),
    **advised(Verdict.REFUSED, {"file": _NO_FILE, "template_driver": _NO_PLUGIN}),
}

SECRET_KEYS: Mapping[str, KeyRule] = {
    **CONFIG_KEYS,
    **advised(Verdict.REFUSED, {"driver": _NO_PLUGIN, "driver_opts": _NO_PLUGIN}),
}

#: by path, for the reference
SECTION_KEYS: Mapping[str, Mapping[str, KeyRule]] = {
    "services.*.deploy": DEPLOY_KEYS,
    "services.*.deploy.restart_policy": RESTART_POLICY_KEYS,
    "services.*.deploy.placement": PLACEMENT_KEYS,
    "services.*.deploy.update_config": POLICY_KEYS,
    "services.*.deploy.rollback_config": POLICY_KEYS,
    "services.*.networks.*": JOINING_KEYS,
    "networks.*": NETWORK_KEYS,
    "volumes.*": VOLUME_KEYS,
    "configs.*": CONFIG_KEYS,
    "secrets.*": SECRET_KEYS,
}


def understood_section(
    value: Tree, where: str, known: Mapping[str, KeyRule], notes: Notes
) -> dict[str, Tree]:
    """The keys of a mapping that mean something. Nulls and extensions are left out.

    Raises:
        TemplateError: a key is unknown or not supported.
    """
    found: dict[str, Tree] = {}
    for key, item in mapping(value, where).items():
        rule = known.get(key)
        if rule is None:
            if is_extension(key):
                continue
            raise TemplateError(
                f"unknown or not supported{hint(key, known)}", where=below(where, key)
            )
        if rule.refuses(item):
            raise TemplateError(rule.reason, where=below(where, key))
        if item is None or item in ([], {}):
            continue
        if rule.verdict is Verdict.WARNED:
            notes.warn(rule.advice, where=below(where, key))
        else:
            found[key] = item
    return found
