import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import SchemaError
from schemas.strict_json import parse_object

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), JSON_VALUES))
def test_every_json_object_is_read_as_it_is(value):
    assert parse_object(json.dumps(value).encode()) == value


@given(st.binary())
def test_bytes_are_an_object_or_refused(payload):
    with contextlib.suppress(SchemaError):
        assert isinstance(parse_object(payload), dict)


def test_a_key_that_occurs_twice_is_named():
    with pytest.raises(SchemaError) as caught:
        parse_object(b'{"a": {"b": 1, "c": 2, "b": 3}}')
    assert caught.value.where == "b"


def test_a_whole_surrogate_pair_is_one_character():
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("payload", [b'{"\\uDC00": 1}', b'{"a": ["\\ud800"]}'])
def test_half_a_surrogate_pair_is_refused(payload):
    with pytest.raises(SchemaError, match="surrogate"):
        parse_object(payload)
