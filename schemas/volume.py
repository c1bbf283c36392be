"""Volumes: shared storage that is mounted on every node.

A volume's name is unique in the cluster. On a node it is mounted below the base directory at
`nas/<name>`, or at `ossfs/<bucket>`: the reference shows an ossfs volume by its bucket.
"""

import re
from typing import Literal

from pydantic import Field, model_validator

from schemas.document import Part
from schemas.names import VolumeName

#: the reference's place for shared volumes on every node
BASE_DIRECTORY = "/mnt/acs_mnt"
#: S3's rule, which OSS shares
BUCKET_PATTERN = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
HOST_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,253}[A-Za-z0-9])?$"

Driver = Literal["nas", "ossfs"]


class NasOptions(Part):
    """An NFS export, and the directory in it to use. `mode`: its permission bits, in octal."""

    diskid: str = Field(default="", max_length=128)
    host: str = Field(pattern=HOST_PATTERN)
    path: str = Field(pattern=r"^/", max_length=1024)
    mode: str = Field(default="755", pattern=r"^0?[0-7]{3,4}$")


class OssfsOptions(Part):
    """A bucket. Its keys travel apart, in `VolumeSecret`."""

    bucket: str = Field(pattern=BUCKET_PATTERN)
    url: str = Field(pattern=r"^(https?://)?[A-Za-z0-9][A-Za-z0-9.:-]*/?$", max_length=256)
    no_stat_cache: bool = False
    other_opts: str = Field(default="", max_length=1024)


class VolumeSecret(Part):
    """What must never be shown, logged or put on a command line."""

    ak_id: str = Field(repr=False, max_length=256)
    ak_secret: str = Field(repr=False, max_length=256)


class VolumeSpec(Part):
    """One volume. Exactly the options of its driver are set."""

    name: VolumeName
    driver: Driver
    nas: NasOptions | None = None
    ossfs: OssfsOptions | None = None
    read_only: bool = False
    #: what happens to containers that use it while it is stuck on their node
    when_stuck: Literal["wait", "stop", "move"] = "wait"

    @model_validator(mode="after")
    def _has_its_driver_s_options(self) -> "VolumeSpec":
        if (self.nas is not None, self.ossfs is not None) != (
            self.driver == "nas",
            self.driver == "ossfs",
        ):
            raise ValueError(f"exactly the options of the driver {self.driver} must be given")
        return self

    @property
    def mount_path(self) -> str:
        """Where it is mounted, relative to the base directory."""
        last = self.ossfs.bucket if self.ossfs else self.name
        return f"{self.driver}/{last}"


def folded(plain: object) -> object:
    """A map with its keys as we spell them: the reference's clients write them in any case.

    Docker says `DriverOpts` where the reference says `driverOpts`, and its SDK `disk_id` for
    `diskid`.
    """
    if not isinstance(plain, dict):
        return plain
    spelled = {"driveropts": "driverOpts", "disk_id": "diskid"}
    keys = (key.lower() if isinstance(key, str) else key for key in plain)
    return {
        spelled.get(key, key): _without_nulls(value)
        for key, value in zip(keys, plain.values(), strict=True)
    }


def _without_nulls(value: object) -> object:
    """An option that is null is one that wasn't given."""
    if not isinstance(value, dict):
        return value
    return {key: option for key, option in value.items() if option is not None}


def volume_of_path(path: str, base: str) -> tuple[str, str] | None:
    """A path below the base: (mount path, the rest); None for any other path."""
    pattern = re.escape(base) + r"/((?:nas|ossfs)/[^/]+)(?:/(.*))?"
    found = re.fullmatch(pattern, path, re.DOTALL)
    return (found[1], found[2] or "") if found else None
