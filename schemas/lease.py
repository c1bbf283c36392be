"""`LeaseHolder`: who is the active coordinator."""

from schemas.document import Document


class LeaseHolder(Document):
    """The value of the lease's key. Its revision, when it was acquired, is the epoch."""

    name: str
    #: of one process
    incarnation: str
