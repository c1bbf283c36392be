import asyncio
import gzip
import io
import json

import pytest

from coordinator.errors import BusUnavailable, RevisionLost
from schemas.strict_json import PAYLOAD_BYTES_MAX

JSON = {"Content-Type": "application/json"}
CREATE = "/projects/"
UPDATE = "/projects/test/update"
VOLUME = "/volumes/create"
WEIGHTS = "/projects/wordpress/weights"
SCALE = "/services/wordpress_db/scale"


def creating(**changes):
    return json.dumps({"name": "test", "template": "x", **changes}).encode()


def sized(padding):
    return io.BytesIO(creating(template="x" * padding))


def a_bucket(**options):
    given = {"bucket": "b-1", "url": "http://oss", "ak_id": "i", "ak_secret": "s", **options}
    return json.dumps({"name": "p", "driver": "ossfs", "driverOpts": given}).encode()


BODIES = {
    "a list for an option": (
        VOLUME,
        a_bucket(url=["a"]),
        "driverOpts.url: must be a text, a whole number",
    ),
    "a driver that is none": (VOLUME, b'{"name":"p","driver":"x","driverOpts":{}}', "driver: "),
    "no options": (VOLUME, b'{"name":"p","driver":"nas"}', "driverOpts: is missing"),
    "empty": (CREATE, b"", "not JSON"),
    "not JSON": (CREATE, b"name: test", "not JSON"),
    "cut short": (CREATE, b'{"name": "te', "not JSON"),
    "null": (CREATE, b"null", "must be a JSON object, not null"),
    "an array": (CREATE, b"[]", "must be a JSON object, not an array"),
    "a text": (CREATE, b'"x"', "must be a JSON object, not a text"),
    "a number": (CREATE, b"3", "must be a JSON object, not a number"),
    "a key twice": (
        CREATE,
        b'{"name":"a","name":"b","template":"x"}',
        "name: this key occurs twice",
    ),
    "NaN": (SCALE, b'{"type":"scale_to","value":NaN}', "NaN"),
    "invalid UTF-8": (CREATE, b'{"name":"\xff","template":"x"}', "not UTF-8"),
    "UTF-16": (CREATE, creating().decode().encode("utf-16"), "not UTF-8"),
    "half a surrogate pair": (CREATE, b'{"name":"a","template":"\\ud800"}', "surrogate"),
    "nested deeply": (CREATE, b'{"name":' + b"[" * 200_000, "nested too deeply"),
    "nested deeply and closed": (CREATE, b'{"a":' + b"[" * 99_999 + b"]" * 99_999 + b"}", "nested"),
    "endless digits": (SCALE, b'{"type":"scale_to","value":' + b"9" * 5000 + b"}", "too long"),
    "no name": (CREATE, b'{"template":"x"}', "name"),
    "no template": (CREATE, b'{"name":"test"}', "template"),
    "an empty template": (CREATE, creating(template=""), "template: must not be empty"),
    "a null template": (CREATE, creating(template=None), "template"),
    "an empty name": (CREATE, creating(name=""), "name"),
    "an underscore": (CREATE, creating(name="test_01"), "name"),
    "a leading hyphen": (CREATE, creating(name="-test"), "name"),
    "a trailing newline": (CREATE, creating(name="test\n"), "name"),
    "a NUL": (CREATE, creating(name="te\x00st"), "name"),
    "a slash": (CREATE, creating(name="../test"), "name"),
    "a long name": (CREATE, creating(name="a" * 65), "name"),
    "other digits": (CREATE, creating(name="\u0663"), "name"),
    "a number for a name": (CREATE, creating(name=1), "name"),
    "a long description": (CREATE, creating(description="d" * 1025), "description"),
    "a long version": (CREATE, creating(version="1" * 129), "version"),
    "a blank in a version": (CREATE, creating(version="a b"), "version: must be"),
    "a comma in a version": (CREATE, creating(version="1,0"), "comma"),
    "a colon in a version": (UPDATE, creating(version="1:0"), "colon"),
    "a number for a version": (CREATE, creating(version=1.0), "version"),
    "a list of variables": (CREATE, creating(environment=["A=b"]), "environment"),
    "a number for a variable": (CREATE, creating(environment={"PORT": 80}), "environment.PORT"),
    "a word for a boolean": (CREATE, creating(latest_image="true"), "latest_image"),
    "a text for a weight": (
        WEIGHTS,
        b'{"web":{"1.0":"9"}}',
        "web.1.0: must be a whole number from 0 to",
    ),
    "a weight below 0": (
        WEIGHTS,
        b'{"web":{"1.0":-1}}',
        "web.1.0: must be a whole number from 0 to",
    ),
    "a number for versions": (WEIGHTS, b'{"web":3}', "web: must be a JSON object"),
    "scale without type": (SCALE, b'{"value":3}', "type"),
    "scale without value": (SCALE, b'{"type":"scale_to"}', "value"),
    "an unknown type": (SCALE, b'{"type":"scale_up","value":3}', "type"),
    "a negative value": (SCALE, b'{"type":"scale_to","value":-1}', "value"),
    "a huge value": (SCALE, b'{"type":"scale_to","value":10001}', "value"),
    "a value beyond 64 bits": (SCALE, b'{"type":"scale_to","value":99999999999999999999}', "value"),
    "a text for a value": (SCALE, b'{"type":"scale_to","value":"3"}', "value"),
    "a boolean for a value": (SCALE, b'{"type":"scale_to","value":true}', "value"),
    "a float for a value": (SCALE, b'{"type":"scale_to","value":3.0}', "value"),
    "an exponent for a value": (SCALE, b'{"type":"scale_to","value":1e2}', "value"),
    "a null value": (SCALE, b'{"type":"scale_to","value":null}', "value"),
}


@pytest.mark.parametrize(("path", "body", "words"), BODIES.values(), ids=BODIES)
async def test_a_bad_body_changes_nothing(client, door, path, body, words):
    method = "PUT" if path == WEIGHTS else "POST"
    response = await client.request(method, path, data=body, headers=JSON)
    assert response.status == 400
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert words in (await response.json())["message"]
    assert door.submitted == []


STOP = "/projects/wordpress/stop"
KILL = "/services/wordpress_db/kill"
LONG_AGO = "1" * 400


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"{STOP}?t={bad}"
            for bad in ("", "-1", "ten", "1.5", "+1", "1_0", "%20", "0x1", "%D9%A3")
        ),
        f"{STOP}?t=86401",
        f"{STOP}?t={LONG_AGO}",
        f"{STOP}?timeout=-1",
        *(
            f"{KILL}?signal={bad}"
            for bad in ("", "0", "-9", "65", "32", "BOOM", "SIGSIGKILL", "%00")
        ),
        f"{KILL}?signal={LONG_AGO}",
        *(
            f"{STOP}?wait={bad}"
            for bad in ("", "-1", "3601", "nan", "inf", "1e4", "0x1", "1 ", "x", LONG_AGO)
        ),
    ],
)
async def test_a_bad_parameter_changes_nothing(client, door, path):
    response = await client.post(path)
    assert response.status == 400
    message = (await response.json())["message"]
    assert message.split(":")[0] in ("t", "timeout", "signal", "wait")
    assert len(message) < 200
    assert door.submitted == []


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Command-Id", ""),
        ("X-Command-Id", "two words"),
        ("X-Command-Id", "x" * 129),
        ("X-Command-Id", "ü"),
        ("Idempotency-Key", "a b"),
        ("X-Command-Deadline", "soon"),
        ("X-Command-Deadline", "1700000000"),
        ("X-Command-Deadline", "2030-01-01T00:00:00"),
        ("X-Command-Deadline", "2030-13-01T00:00:00Z"),
    ],
)
async def test_a_bad_header_changes_nothing(client, door, header, value):
    response = await client.post(STOP, headers={header: value})
    assert response.status == 400
    assert door.submitted == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": ""},
    ],
)
@pytest.mark.parametrize("path", [CREATE, SCALE])
async def test_another_content_type_changes_nothing(client, door, path, headers):
    response = await client.post(path, data=creating(), headers=headers)
    assert response.status == 415
    assert "application/json" in (await response.json())["message"]
    assert door.submitted == []


async def test_a_compressed_body_changes_nothing(client, door):
    headers = {**JSON, "Content-Encoding": "gzip"}
    response = await client.post(CREATE, data=gzip.compress(creating()), headers=headers)
    assert response.status == 415
    assert door.submitted == []


async def test_a_body_of_the_greatest_size_is_read(client, door):
    padding = PAYLOAD_BYTES_MAX - len(creating(template=""))
    response = await client.post(CREATE, data=sized(padding), headers=JSON)
    assert response.status == 201
    assert len(door.submitted) == 1


async def test_a_larger_body_changes_nothing(client, door):
    padding = PAYLOAD_BYTES_MAX - len(creating(template="")) + 1
    response = await client.post(CREATE, data=sized(padding), headers=JSON)
    assert response.status == 413
    assert "larger than" in (await response.json())["message"]
    assert door.submitted == []


async def test_a_body_that_never_ends_is_given_up(client, door, monkeypatch):
    monkeypatch.setattr("coordinator.faces.http.requests.BODY_TIMEOUT_S", 0.05)

    async def dribble():
        yield b"{"
        await asyncio.sleep(0.2)
        yield b"}"

    response = await client.post(CREATE, data=dribble(), headers=JSON)
    assert response.status == 408
    assert door.submitted == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/projects/", "GET, HEAD, POST"),
        ("DELETE", "/services/wordpress_db", "GET, HEAD"),
        ("GET", "/projects/wordpress/stop", "POST"),
        ("OPTIONS", "/projects/wordpress", "DELETE, GET, HEAD"),
    ],
)
async def test_a_wrong_method_changes_nothing(client, door, method, path, allowed):
    response = await client.request(method, path)
    assert response.status == 405
    assert response.headers["Allow"] == allowed
    assert allowed in (await response.json())["message"]
    assert door.submitted == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/projects/nix"),
        ("GET", "/services/wordpress_nix"),
        ("GET", "/services/wordpress"),
        ("POST", "/projects/nix/start"),
        ("POST", "/projects/test_01/stop"),
        ("DELETE", "/projects/a%2Fb"),
        ("DELETE", "/projects/a%00b"),
        ("POST", "/services/%ff_%0a/start"),
        ("GET", "/nix"),
        ("GET", "/"),
        ("POST", "/projects//start"),
    ],
)
async def test_what_is_not_there_is_not_found(client, method, path):
    response = await client.request(method, path)
    assert response.status == 404
    assert (await response.json())["message"].startswith("Not Found: ")
    assert "traceback" not in (await response.text()).lower()


@pytest.mark.parametrize("name", ["t", "timeout"])
async def test_a_parameter_is_named_as_it_was_sent(client, name):
    response = await client.post(f"/projects/wordpress/stop?{name}=86401")
    assert response.status == 400
    assert (await response.json())["message"].startswith(f"{name}: must be a whole number")


@pytest.mark.parametrize(
    ("error", "status"),
    [(RevisionLost("revision r1 is lost"), 500), (BusUnavailable("NATS does not answer"), 503)],
)
async def test_what_the_bus_does_not_have_now_is_told_in_words(client, door, error, status):
    door.script.append(error)
    response = await client.get("/projects/shop/revisions/1")
    assert (response.status, (await response.json())["message"]) == (status, str(error))
