"""Schemathesis over the whole document: no server error, and every answer as documented.

`TROOPERS_API_URL=http://127.0.0.1:4280 pytest tests/contract_api` tests a running coordinator.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    positive_data_acceptance,
)

from coordinator.faces.http.requests import DEADLINE_HEADER
from schemas import openapi
from tests.contract_api.serving import PROJECT, SERVICE, VOLUME, api

schema = schemathesis.openapi.from_dict(openapi.document())

#: one worker on a small machine: this many keep the whole file below a minute
EXAMPLES_MAX = 15
WAIT_S = 0.2
SETTINGS = settings(
    max_examples=EXAMPLES_MAX,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def url():
    with api() as url:
        yield url


def whole_numbers(value):
    if isinstance(value, dict):
        return {key: whole_numbers(each) for key, each in value.items()}
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value


def conforms(case, url):
    # JSON Schema takes 3.0 for an integer; the API, like the reference's, takes only 3.
    case.body = whole_numbers(case.body)
    # What would wait for an hour shows no more than what waits for a moment.
    if isinstance(wait := (case.query or {}).get("wait"), int | float) and wait > WAIT_S:
        case.query["wait"] = WAIT_S
    # A deadline that has passed is refused before anything else is looked at.
    if str((case.headers or {}).get(DEADLINE_HEADER, "")).startswith("2000-"):
        case.headers[DEADLINE_HEADER] = "2999-01-01T00:00:00Z"
    # There are other reasons to refuse what the schema allows, as a template that is none.
    excluded: list[Any] = [positive_data_acceptance]
    # The reference has `/volumes/create` beside `/volumes/{name}`: a volume may be called `create`.
    if case.path == "/volumes/create":
        excluded.append(allow_header_conformance)
    case.call_and_validate(base_url=url, excluded_checks=excluded)


@schema.parametrize()
@SETTINGS
def test_every_answer_is_as_documented(case, url):
    conforms(case, url)


@schema.include(path_regex=r"\{").parametrize()
@SETTINGS
def test_every_answer_about_what_exists_is_as_documented(case, url):
    name = VOLUME if case.path.startswith("/volumes/") else PROJECT
    known = {"name": name, "service_id": SERVICE, "number": "1"}
    case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
    conforms(case, url)
