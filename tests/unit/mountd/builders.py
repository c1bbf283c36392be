"""Volumes and orders, so that a test states only what matters."""

from typing import Any

from mountd.domain.track import Wish
from schemas.desired import DesiredMount
from schemas.states import Wanted
from schemas.volume import NasOptions, OssfsOptions, VolumeSecret, VolumeSpec


def a_nas(name: str = "media", **options: Any) -> VolumeSpec:
    read_only = options.pop("read_only", False)
    nas = NasOptions(**{"host": "files.example", "path": "/media", **options})
    return VolumeSpec(name=name, driver="nas", nas=nas, read_only=read_only)


def a_bucket(name: str = "photos", **options: Any) -> VolumeSpec:
    read_only = options.pop("read_only", False)
    ossfs = OssfsOptions(**{"bucket": name, "url": "http://oss.example", **options})
    return VolumeSpec(name=name, driver="ossfs", ossfs=ossfs, read_only=read_only)


def a_secret(ak_id: str = "the-key-id", ak_secret: str = "the-key-secret") -> VolumeSecret:
    return VolumeSecret(ak_id=ak_id, ak_secret=ak_secret)


def an_order(volume: VolumeSpec | None = None, *, absent: bool = False) -> DesiredMount:
    volume = volume or a_nas()
    return DesiredMount(
        volume=volume,
        secret=a_secret() if volume.ossfs else None,
        wanted=Wanted.ABSENT if absent else Wanted.RUNNING,
    )


def a_wish(volume: VolumeSpec | None = None, *, absent: bool = False, refusal: str = "") -> Wish:
    order = an_order(volume, absent=absent)
    return Wish(order.volume, order.secret, is_absent=absent, refusal=refusal)


def judged(order: DesiredMount) -> Wish:
    """What orders come to on a node that refuses nothing."""
    return Wish(order.volume, order.secret, is_absent=order.wanted is Wanted.ABSENT)
