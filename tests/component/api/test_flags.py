"""What is no flag is refused where it is told: a word that was meant otherwise has no effect."""

import pytest

from schemas.routes import ROUTES, Kind
from tests.component.api.test_bad_input import CREATE, JSON, UPDATE, creating

FLAGS = [
    (route.method, route.path, parameter.kind, name)
    for route in ROUTES
    for parameter in route.takes
    for name in (parameter.name, *parameter.aliases)
    if parameter.kind in {Kind.FLAG, Kind.SWITCH}
]


@pytest.mark.parametrize(("method", "path", "kind", "name"), FLAGS)
async def test_a_word_that_is_no_flag_changes_nothing(client, door, method, path, kind, name):
    path = path.format(name="wordpress", service_id="wordpress_db", number=1)
    words = ["maybe", "off", "2", "true,false", "x" * 400, *([""] if kind is Kind.SWITCH else [])]
    for word in words:
        response = await client.request(method, path, params={name: word}, data=creating(name="a"))
        assert response.status == 400
        message = (await response.json())["message"]
        assert message.startswith(f"{name}: must be true or false, not '{word[:40]}")
    assert door.submitted == []


async def test_what_can_t_be_tried_is_not_done_either(client, door):
    response = await client.delete("/projects/wordpress?force=true&dry_run=true")
    assert response.status == 400
    assert "dry_run" in (await response.json())["message"]
    assert door.submitted == []


@pytest.mark.parametrize("path", [CREATE, UPDATE])
@pytest.mark.parametrize("value", [True, False])
async def test_a_dry_run_in_the_body_changes_nothing(client, door, path, value):
    response = await client.post(path, data=creating(dry_run=value), headers=JSON)
    assert response.status == 400
    assert "?dry_run=true" in (await response.json())["message"]
    assert door.submitted == []
