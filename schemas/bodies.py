"""The request bodies of the HTTP API. A field that is null or missing means its default.

Each is a command without what travels in the path, in the query and in headers.
"""

from typing import Annotated, Literal

from pydantic import (
    ConfigDict,
    Field,
    RootModel,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from schemas.command import SCALE_MAX
from schemas.document import Part
from schemas.names import ProjectName, VolumeName
from schemas.versions import Version, Weight
from schemas.volume import Driver, folded


class CreateProjectBody(Part):
    """A project to create."""

    name: ProjectName
    #: the Compose file, as one text
    template: str = Field(min_length=1)
    description: Annotated[str, Field(max_length=1024)] | None = None
    #: 1.0 when missing or empty
    version: Version | None = None
    #: values for the template's variables
    environment: dict[str, str] | None = None
    #: pull the images even where a node has them
    latest_image: StrictBool | None = None

    @field_validator("version")
    @classmethod
    def _empty_is_missing(cls, version: str | None) -> str | None:
        return version or None


class UpdateProjectBody(Part):
    """What a project is to be."""

    #: the Compose file, as one text
    template: str = Field(min_length=1)
    description: Annotated[str, Field(max_length=1024)] | None = None
    #: must be another one than the current; missing or empty: the current one counted up
    version: Version | None = None
    #: values for the template's variables, all of them; missing: as they were
    environment: dict[str, str] | None = None
    #: pull the images even where a node has them
    latest_image: StrictBool | None = None
    #: missing, empty or standard: containers are replaced. blue-green: both versions run side by
    #: side until one is confirmed, and `version` is required
    update_method: Literal["", "standard", "blue-green"] | None = None


class SetWeightsBody(RootModel[dict[str, dict[str, Weight]]]):
    """Service -> version -> its part of the traffic, relative to the others."""


class ScaleServiceBody(Part):
    """How many containers: to `value`, or by `value` more or fewer."""

    type: Literal["scale_to", "scale_out", "scale_in"]
    value: StrictInt = Field(ge=0, le=SCALE_MAX)


class CreateVolumeBody(Part):
    """Shared storage to mount on every node. Keys are taken in any case."""

    model_config = ConfigDict(populate_by_name=True)

    name: VolumeName
    driver: Driver
    driver_opts: dict[str, str | int | bool] = Field(
        alias="driverOpts",
        description="nas: diskid, host, path, mode. ossfs: bucket, ak_id, ak_secret, url, "
        "no_stat_cache, other_opts. Both: read_only (false), and when_stuck, which is what becomes "
        "of its containers while its server is silent: wait (the default), stop, or move to a node "
        "where it works.",
    )

    @model_validator(mode="before")
    @classmethod
    def _in_any_case(cls, plain: object) -> object:
        return folded(plain)
