"""One service of any format to one form, on its own: no other service is looked at."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from compose.container_keys import container_keys
from compose.dependencies import Dependency, Link, dependencies, links
from compose.deploy import Deploy, deploy
from compose.environment import environment
from compose.errors import TemplateError, below, shown
from compose.files import FileUse, file_uses
from compose.health import healthcheck, restart
from compose.labels import PREFIX, AliyunLabels, aliyun_labels
from compose.limit_keys import limit_keys
from compose.mounts import Mount, mounts
from compose.networks import Joining, alias, joinings
from compose.notes import Notes
from compose.own_labels import own_labels
from compose.placement import PolicyReader
from compose.ports import exposed, published
from compose.pulling import pull_policy
from compose.resources import Resources, resources
from compose.sharing import Reference, Sharing, check_sharing, sharing
from compose.tree import Tree, integer, text, texts
from compose.units import seconds, words
from compose.updates import Policies, policies
from schemas.command import SCALE_MAX
from schemas.desired import PullPolicy
from schemas.service import Healthcheck, Port, Restart
from schemas.template import PlacementPolicy

Value = TypeVar("Value")

_HOST = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9])"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
#: Docker's grammar of references: [host[:port]/]path[:tag][@digest].
_IMAGE = re.compile(
    rf"(?:{_HOST}(?:\.{_HOST})*(?::[0-9]{{1,5}})?/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z0-9+._-]{1,64}:[0-9A-Fa-f]{32,128})?"
)
_IMAGE_MAX = 512
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_SIGNAL = re.compile(r"(SIG)?[A-Z]{2,8}[0-9]{0,2}([+-][0-9]{1,2})?|[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class NormalService:
    """A service in one form. Names are still the template's."""

    name: str
    where: str
    #: what the user wrote, for the definition that the API shows
    written: Mapping[str, Tree]
    image: str
    command: tuple[str, ...] | None
    entrypoint: tuple[str, ...] | None
    environment: Mapping[str, str]
    policy: PlacementPolicy
    labels: Mapping[str, str]
    aliyun: AliyunLabels
    pull: PullPolicy
    ports: tuple[Port, ...]
    expose: tuple[str, ...]
    mounts: tuple[Mount, ...]
    #: configs and secrets
    files: tuple[FileUse, ...]
    depends: tuple[Dependency, ...]
    links: tuple[Link, ...]
    healthcheck: Healthcheck | None
    restart: Restart
    #: the modes and volumes that it shares with another container
    sharing: Sharing
    #: None: the default network
    joinings: tuple[Joining, ...] | None
    user: str
    working_dir: str
    hostname: str
    stop_signal: str
    stop_grace_s: float | None
    resources: Resources
    scale: int
    is_global: bool
    #: as the template has them
    policies: Policies
    #: names for containers that are not the project's: container and alias
    external_links: tuple[tuple[str, str], ...]
    #: what it would be called if it were one container
    container_name: str
    #: fields of `ServiceSpec` that need no other service
    plain: Mapping[str, Any]


def normalise(
    name: str,
    found: Mapping[str, Tree],
    where: str,
    *,
    project: Mapping[str, str],
    notes: Notes,
) -> NormalService:
    """Read the keys of a service that are `understood`; `project` is the project's environment.

    Raises:
        TemplateError: with the path of what can't be understood or isn't supported.
    """
    keys = _Keys(found, where)
    policy = PolicyReader()
    variables = environment(
        found.get("environment", {}), keys.at("environment"), project, policy, notes
    )
    labels = own_labels(found.get("labels", {}), keys.at("labels"), notes)
    aliyun = aliyun_labels(labels, keys.at("labels"), notes)
    deployed = deploy(found.get("deploy", {}), keys.at("deploy"), policy, notes)
    shared = keys.sharing(aliyun)
    is_global = _is_global(aliyun, deployed, where)
    return NormalService(
        name=name,
        where=where,
        written=found,
        image=keys.image(),
        command=keys.optional("command", words),
        entrypoint=keys.optional("entrypoint", words),
        environment=variables,
        policy=policy.policy(),
        labels={key: value for key, value in labels.items() if not key.startswith(PREFIX)},
        aliyun=aliyun,
        pull=pull_policy(found, where, notes, latest_image=aliyun.latest_image),
        ports=keys.ports(aliyun, shared, notes),
        expose=exposed(found.get("expose", []), keys.at("expose")),
        mounts=mounts(found.get("volumes", []), keys.at("volumes"), notes),
        files=file_uses(found, where),
        depends=keys.depends(aliyun, notes),
        links=links(found.get("links", []), keys.at("links")),
        healthcheck=keys.optional("healthcheck", lambda v, at: healthcheck(v, at, notes)),
        restart=keys.restart(deployed, notes),
        sharing=shared,
        joinings=keys.joinings(notes, has_mode=bool(shared.network)),
        user=keys.text("user"),
        working_dir=keys.working_dir(),
        hostname=keys.matching("hostname", _HOSTNAME, "a host name"),
        stop_signal=keys.matching("stop_signal", _SIGNAL, "a signal such as SIGTERM"),
        stop_grace_s=keys.optional("stop_grace_period", seconds),
        resources=resources(found, where, deployed.limits),
        scale=_scale(keys, aliyun, deployed, notes, is_global=is_global),
        is_global=is_global,
        policies=_policies(keys, aliyun, deployed, notes),
        external_links=keys.external_links(notes),
        container_name=keys.optional("container_name", lambda v, at: alias(text(v, at), at)) or "",
        plain=keys.plain(deployed),
    )


class _Keys:
    """A service's keys, read one by one."""

    def __init__(self, found: Mapping[str, Tree], where: str) -> None:
        self.found = found
        self.where = where

    def at(self, key: str) -> str:
        return below(self.where, key)

    def text(self, key: str) -> str:
        return text(self.found.get(key, ""), self.at(key))

    def optional(self, key: str, read: Callable[[Tree, str], Value]) -> Value | None:
        return read(self.found[key], self.at(key)) if key in self.found else None

    def matching(self, key: str, pattern: re.Pattern[str], what: str) -> str:
        written = self.text(key)
        if written and not pattern.fullmatch(written):
            raise TemplateError(f"must be {what}, not {shown(written)}", where=self.at(key))
        return written

    def image(self) -> str:
        if "image" not in self.found:
            raise TemplateError("needs an image", where=self.where)
        image = self.text("image")
        if len(image) > _IMAGE_MAX or not _IMAGE.fullmatch(image):
            raise TemplateError(f"{shown(image)} is no image reference", where=self.at("image"))
        return image

    def working_dir(self) -> str:
        path = self.text("working_dir")
        if path and not path.startswith("/"):
            raise TemplateError("must be an absolute path", where=self.at("working_dir"))
        return path

    def sharing(self, aliyun: AliyunLabels) -> Sharing:
        shared = sharing(self.found, self.where)
        check_sharing(self.found, shared, self.where)
        if isinstance(shared.network, Reference) and aliyun.probe and aliyun.probe.url:
            raise TemplateError(
                f"a shared network has no address of its own: use {PREFIX}probe.cmd",
                where=below(self.at("labels"), f"{PREFIX}probe.url"),
            )
        return shared

    def ports(self, aliyun: AliyunLabels, shared: Sharing, notes: Notes) -> tuple[Port, ...]:
        found = published(self.found.get("ports", []), self.at("ports"), notes)
        if found and shared.network == "host":
            notes.warn("no effect: all ports are the host's own", where=self.at("ports"))
            return ()
        _warn_of_unpublished(aliyun, found, self.at("labels"), notes)
        return found

    def restart(self, deployed: Deploy, notes: Notes) -> Restart:
        own = self.optional("restart", restart)
        if own and deployed.restart not in {None, own}:
            notes.warn("deploy.restart_policy counts, as with Compose", where=self.at("restart"))
        return deployed.restart or own or Restart()

    def plain(self, deployed: Deploy) -> dict[str, Any]:
        fields = container_keys(self.found, self.where) | limit_keys(self.found, self.where)
        pids = fields.get("pids_limit")
        if None not in {pids, deployed.pids_limit} and pids != deployed.pids_limit:
            raise TemplateError(
                "contradicts deploy.resources.limits.pids", where=self.at("pids_limit")
            )
        if deployed.pids_limit is not None:
            fields["pids_limit"] = deployed.pids_limit
        if deployed.device_requests:
            own = fields.get("device_requests", ())
            fields["device_requests"] = (*own, *deployed.device_requests)
        return fields

    def external_links(self, notes: Notes) -> tuple[tuple[str, str], ...]:
        found: dict[tuple[str, str], None] = {}
        for index, written in enumerate(
            texts(self.found.get("external_links", []), self.at("external_links"))
        ):
            at = below(self.at("external_links"), index)
            container, _, other = written.partition(":")
            found[alias(container, at), alias(other or container, at)] = None
            notes.warn("found only where that container shares node and network", where=at)
        return tuple(found)

    def joinings(self, notes: Notes, *, has_mode: bool) -> tuple[Joining, ...] | None:
        if "networks" not in self.found:
            return None
        joined = joinings(self.found["networks"], self.at("networks"), notes)
        if joined and has_mode:
            raise TemplateError("can't be together with network_mode", where=self.at("networks"))
        return joined or None

    def depends(self, aliyun: AliyunLabels, notes: Notes) -> tuple[Dependency, ...]:
        at = below(self.at("labels"), f"{PREFIX}depends")
        own = dependencies(self.found.get("depends_on", []), self.at("depends_on"), notes)
        return (*own, *(Dependency(service, at) for service in aliyun.depends))


def _warn_of_unpublished(
    aliyun: AliyunLabels, ports: tuple[Port, ...], where: str, notes: Notes
) -> None:
    """A load balancer reaches a container through a port of its node."""
    published = {f"port_{port.container_port}" for port in ports}
    for key in aliyun.extensions.get("lb", {}):
        if key not in published:
            at = below(where, f"{PREFIX}lb.{key}")
            notes.warn("has no effect without that port under ports", where=at)


def _is_global(aliyun: AliyunLabels, deployed: Deploy, where: str) -> bool:
    said = {word for word in (aliyun.is_global, deployed.is_global) if word is not None}
    if len(said) > 1:
        raise TemplateError(
            "the label aliyun.global and deploy.mode contradict each other", where=where
        )
    return said == {True}


def _policies(keys: _Keys, aliyun: AliyunLabels, deployed: Deploy, notes: Notes) -> Policies:
    if deployed.update is not None and "rolling_updates" in aliyun.extensions:
        notes.warn(
            "deploy.update_config counts where both say something",
            where=below(keys.at("labels"), f"{PREFIX}rolling_updates"),
        )
    return policies(deployed.update, deployed.rollback, aliyun.rolling)


def _scale(
    keys: _Keys, aliyun: AliyunLabels, deployed: Deploy, notes: Notes, *, is_global: bool
) -> int:
    own = keys.found.get("scale")
    scale = None if own is None else integer(own, keys.at("scale"), maximum=SCALE_MAX)
    said = {number for number in (scale, deployed.replicas, aliyun.scale) if number is not None}
    if len(said) > 1:
        raise TemplateError(
            f"the number of containers is given as {' and as '.join(map(str, sorted(said)))}",
            where=keys.where,
        )
    wanted = said.pop() if said else 1
    if is_global and wanted != 1:
        notes.warn(
            "a global service has one container on every node: the scale is ignored",
            where=keys.where,
        )
    return wanted
