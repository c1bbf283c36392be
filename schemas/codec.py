"""Bytes to document and back, with one error type."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from schemas.document import Document
from schemas.errors import InvalidInput
from schemas.faults import first_fault

Model = TypeVar("Model", bound=BaseModel)


class SchemaError(InvalidInput):
    """Bytes that are not the document they should be."""


def encode(document: BaseModel) -> bytes:
    """Compact JSON; of a brief document, without what has its default."""
    if not isinstance(document, Document) or not document.is_brief:
        return document.model_dump_json().encode()
    head = f'{{"schema_version":{document.schema_version},'
    # Every document has a field without a default, so there is something after the comma.
    rest = document.model_dump_json(exclude_defaults=True, exclude={"schema_version"})
    return (head + rest[1:]).encode()


def encode_plain(value: object) -> bytes:
    """Compact JSON of dicts, lists, texts, numbers, flags, enumerations and nulls."""
    return to_json(value)


def decode(model: type[Model], payload: bytes | str) -> Model:
    """Parse and validate.

    Raises:
        SchemaError: names the first offending field and what is wrong with it.
    """
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        message, where = first_fault(error)
        raise SchemaError(message, where=where) from error


def validate(model: type[Model], plain: object) -> Model:
    """As `decode`, for what is already parsed."""
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        message, where = first_fault(error)
        raise SchemaError(message, where=where) from error
