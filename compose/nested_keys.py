"""What Troopers makes of the keys deeper in a service and in the sections: one table per mapping."""

from collections.abc import Mapping

from compose.errors import TemplateError, below
from compose.keys import KeyRule, Verdict, advised, rules
from compose.tree import Tree, only_keys

HEALTHCHECK_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "test interval timeout retries start_period disable"),
    **advised(
        Verdict.WARNED, {"start_interval": "engines before API 1.44 know no other than interval"}
    ),
}

PORT_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "target published protocol host_ip mode"),
    **advised(Verdict.WARNED, {"app_protocol": "for people: no effect"}),
    **rules(Verdict.IGNORED, "name"),
}

MOUNT_KEYS = rules(Verdict.HONOURED, "type source target read_only consistency bind volume tmpfs")
BIND_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "propagation create_host_path selinux"),
    **advised(Verdict.LATER, {"recursive": "engines before API 1.44 know one way only"}),
}
VOLUME_MOUNT_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "nocopy"),
    **advised(
        Verdict.LATER,
        {
            "subpath": "engines before API 1.45 mount whole volumes only; shared volumes are mounted "
            "in part as NAME/DIRECTORY"
        },
    ),
}
TMPFS_KEYS = rules(Verdict.HONOURED, "size mode")

DEPENDENCY_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "condition required"),
    **advised(
        Verdict.WARNED,
        {"restart": "a dependency that is started again takes nobody with it: no effect"},
    ),
}

LOGGING_KEYS = rules(Verdict.HONOURED, "driver options")

RESOURCE_KEYS = rules(Verdict.HONOURED, "limits reservations")
LIMIT_KEYS = rules(Verdict.HONOURED, "cpus memory pids")
RESERVATION_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "memory devices"),
    **advised(Verdict.WARNED, {"cpus": "cores are not reserved yet: no effect"}),
    **advised(Verdict.LATER, {"generic_resources": "nodes don't tell of any"}),
}
DEVICE_REQUEST_KEYS = rules(Verdict.HONOURED, "driver count device_ids capabilities options")

BLOCK_IO_KEYS = rules(
    Verdict.HONOURED,
    "weight weight_device device_read_bps device_read_iops device_write_bps device_write_iops",
)
RATE_KEYS = rules(Verdict.HONOURED, "path rate")
WEIGHT_KEYS = rules(Verdict.HONOURED, "path weight")
ULIMIT_KEYS = rules(Verdict.HONOURED, "soft hard")
DEVICE_KEYS = rules(Verdict.HONOURED, "source target permissions")
FILE_KEYS = rules(Verdict.HONOURED, "source target uid gid mode")

EXTENDS_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "service"),
    **advised(Verdict.REFUSED, {"file": "a template has no directory to read other files from"}),
}
OUTSIDE_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "host"),
    **advised(
        Verdict.WARNED, {"ports": "are for who reads the template: an address has all its ports"}
    ),
}

IPAM_KEYS = rules(Verdict.HONOURED, "driver config options")
POOL_KEYS = rules(Verdict.HONOURED, "subnet ip_range gateway aux_addresses")
EXTERNAL_KEYS = rules(Verdict.HONOURED, "name")

#: by path, for the reference
NESTED_KEYS: Mapping[str, Mapping[str, KeyRule]] = {
    "services.*.healthcheck": HEALTHCHECK_KEYS,
    "services.*.ports[]": PORT_KEYS,
    "services.*.volumes[]": MOUNT_KEYS,
    "services.*.volumes[].bind": BIND_KEYS,
    "services.*.volumes[].volume": VOLUME_MOUNT_KEYS,
    "services.*.volumes[].tmpfs": TMPFS_KEYS,
    "services.*.depends_on.*": DEPENDENCY_KEYS,
    "services.*.logging": LOGGING_KEYS,
    "services.*.deploy.resources": RESOURCE_KEYS,
    "services.*.deploy.resources.limits": LIMIT_KEYS,
    "services.*.deploy.resources.reservations": RESERVATION_KEYS,
    "services.*.deploy.resources.reservations.devices[]": DEVICE_REQUEST_KEYS,
    "services.*.gpus[]": DEVICE_REQUEST_KEYS,
    "services.*.devices[]": DEVICE_KEYS,
    "services.*.blkio_config": BLOCK_IO_KEYS,
    "services.*.blkio_config.device_read_bps[]": RATE_KEYS,
    "services.*.blkio_config.device_read_iops[]": RATE_KEYS,
    "services.*.blkio_config.device_write_bps[]": RATE_KEYS,
    "services.*.blkio_config.device_write_iops[]": RATE_KEYS,
    "services.*.blkio_config.weight_device[]": WEIGHT_KEYS,
    "services.*.ulimits.*": ULIMIT_KEYS,
    "services.*.configs[]": FILE_KEYS,
    "services.*.secrets[]": FILE_KEYS,
    "services.*.extends": EXTENDS_KEYS,
    "services.*.external": OUTSIDE_KEYS,
    "networks.*.ipam": IPAM_KEYS,
    "networks.*.ipam.config[]": POOL_KEYS,
    "networks.*.external": EXTERNAL_KEYS,
    "volumes.*.external": EXTERNAL_KEYS,
}


def allowed(value: Tree, where: str, known: Mapping[str, KeyRule]) -> dict[str, Tree]:
    """The mapping without its extensions and its empty values. Who reads it tells what it must.

    Raises:
        TemplateError: a key is unknown or not supported.
    """
    found = only_keys(value, where, known)
    for key, item in found.items():
        if known[key].refuses(item):
            raise TemplateError(known[key].reason, where=below(where, key))
    return found
