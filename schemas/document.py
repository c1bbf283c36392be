"""The two kinds of document on the bus, and how they treat fields of another version.

Agents and coordinators of neighbouring versions talk to each other, so an unknown field is never
an error. It is also never part of a decision.
"""

import sys
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

#: A long text that many parts have, such as a hash: all of them hold the same one. Of short texts
#: pydantic sees to that.
Repeated = Annotated[str, AfterValidator(sys.intern)]


class Part(BaseModel):
    """A frozen piece of a document. Unknown fields are dropped."""

    # What doesn't fit is not quoted: it may be a secret, and errors are logged.
    model_config = ConfigDict(
        frozen=True, extra="ignore", ser_json_bytes="base64", hide_input_in_errors=True
    )

    @property
    def __pydantic_fields_set__(self) -> set[str]:
        """Every field: whether one was given or has its default makes no difference here.

        pydantic would keep a set of names with each part, four fifths of the memory that a small
        part takes and a third of what a coordinator held.
        """
        return {*self.__dict__, *(self.__pydantic_extra__ or ())}

    @__pydantic_fields_set__.setter
    def __pydantic_fields_set__(self, names: set[str]) -> None:
        """Forget it."""


class Document(Part):
    """A message or a key's value: a part that says which schema it was written with."""

    #: Written without what has its default. There is one for every node, and defaults were four
    #: fifths of it. Readers of other versions fill them in: so a default of one never changes.
    is_brief: ClassVar[bool] = False

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)


class Record(Document):
    """A document that is read, changed and written back.

    Unknown fields survive the round trip: a coordinator that is one version behind must not strip
    what its successor wrote.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
