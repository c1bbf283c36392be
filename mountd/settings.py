"""mountd's settings: environment variables `TROOPERS_MOUNTD_*`, checked once."""

import grp
import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from daemon.settings import DaemonSettings
from mountd.domain.nfs import Policy
from schemas.volume import BASE_DIRECTORY

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Settings(DaemonSettings):
    """Every default is for a node that mountd serves as root."""

    model_config = SettingsConfigDict(env_prefix="TROOPERS_MOUNTD_")

    #: where the agent asks
    socket: Path = Path("/run/troopers/mountd.sock")
    #: the group that may open the socket; empty: root only
    socket_group: str = ""
    #: who may speak on it, besides root
    agent_user: str = ""
    #: shared volumes are mounted below it
    base: Path = Path(BASE_DIRECTORY)
    #: records, keys while they are needed, staging; must not outlive a boot
    run_dir: Path = Path("/run/troopers/mountd")
    #: ossfs where it is installed, else s3fs
    ossfs_program: str = ""
    #: empty: `mount.nfs4`, where it is installed
    nfs_program: str = ""
    #: h1,*.example.com: the only hosts to mount from; empty: any
    allowed_hosts: str = ""
    #: what a call on a share of a silent server does: `hard` waits, `softerr` fails after a while
    nfs_read_write: Policy = "hard"
    #: the same, for shares that are mounted read-only
    nfs_read_only: Policy = "softerr"
    #: how often every share is asked for something
    probe_every_s: float = Field(default=10.0, gt=0, le=60)
    #: after so long without an answer a bucket's program is replaced; 0: never
    program_patience_s: float = Field(default=600.0, ge=0)
    #: after so long without an answer a probe has failed; two in a row mean stuck
    probe_deadline_s: float = Field(default=8.0, gt=0, le=60)
    #: after so long a mount has failed and is tried again
    mount_deadline_s: float = Field(default=45.0, gt=0, le=600)

    @field_validator("socket", "base", "run_dir")
    @classmethod
    def _is_a_plain_path(cls, path: Path) -> Path:
        # Such a path becomes part of an option list, where a comma begins another option.
        if not path.is_absolute() or ".." in path.parts or set(str(path)) & set(", \t\n\\:"):
            raise ValueError("must be an absolute path without blanks, commas, colons or ..")
        return path

    @field_validator("socket_group")
    @classmethod
    def _is_a_group(cls, name: str) -> str:
        if name:
            _known(grp.getgrnam, name)
        return name

    @field_validator("agent_user")
    @classmethod
    def _is_a_user(cls, name: str) -> str:
        if name:
            _known(pwd.getpwnam, name)
        return name

    @property
    def group_id(self) -> int:
        """Of the socket's file; -1 leaves it as it is."""
        return grp.getgrnam(self.socket_group).gr_gid if self.socket_group else -1

    @property
    def users(self) -> frozenset[int]:
        """Who may speak, besides root. Whoever runs mountd may in any case."""
        named = {pwd.getpwnam(self.agent_user).pw_uid} if self.agent_user else set()
        return frozenset({os.geteuid(), *named})

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(one.strip() for one in self.allowed_hosts.split(",") if one.strip())

    @property
    def bucket_program(self) -> str:
        """A full path where there is such a program; else a name to complain about."""
        if self.ossfs_program:
            return self.ossfs_program
        return _found("ossfs") or _found("s3fs") or "ossfs"

    @property
    def export_program(self) -> str:
        return self.nfs_program or _found("mount.nfs4") or "mount.nfs4"


def _found(program: str) -> str | None:
    # Administrators' programs may be missing on the PATH that we were started with.
    return shutil.which(program, path=_PATH)


def _known(look_up: Callable[[str], object], name: str) -> None:
    try:
        look_up(name)
    except KeyError as error:
        raise ValueError(f"there is no {name} on this machine") from error
