"""`Body`: what the bodies of the HTTP API that are shown have in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """What is shown: unlike a part of a document it remembers which of its fields are there."""

    model_config = ConfigDict(frozen=True, extra="ignore")
