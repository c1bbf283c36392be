"""`RevisionRecord`: a project as it was asked for once, so that it can be asked for again."""

from pydantic import Field

from schemas.document import Record
from schemas.names import ProjectName


class RevisionRecord(Record):
    """One revision of a project, kept under `<project>.<number>.<operation>`. It never changes."""

    project: ProjectName
    number: int = Field(ge=1)
    version: str
    description: str = ""
    template: str = Field(repr=False)
    #: what is shown instead, where it holds secrets
    shown_template: str = ""
    #: variables whose values are never shown
    hidden_variables: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    created: str
    #: the operation that has made it; empty: one of before that was noted, under `<project>.<number>`
    operation: str = ""
    #: the revision that it was made again from; 0: none
    of_revision: int = 0
