"""What engines and registries say when a pull fails, and whether it may pass."""

import pytest

from agent.adapters.docker_faults import pull_fault
from agent.errors import ContainerRejected, ImageNotFound, PullDenied, PullFailed
from schemas.errors import Permanent, Transient

GONE = [
    "manifest for busybox:nosuch not found: manifest unknown: manifest unknown",
    "manifest for r.example/web:9 not found",
    "Error: image library/nosuch:1 not found",
    "Tag 9 not found in repository docker.io/library/web",
    "repository r.example/nosuch not found: does not exist or no pull access",
    "pull access denied for nosuch, repository does not exist or may require 'docker login': denied",
    "name unknown: repository name not known to registry",
    'failed to resolve reference "docker.io/library/busybox:9": docker.io/library/busybox:9: not found',
    "no matching manifest for linux/arm/v7 in the manifest list entries",
]
DENIED = [
    "unauthorized: authentication required",
    'Head "https://r.example/v2/web/manifests/1": no basic auth credentials',
    "denied: requested access to the resource is denied",
    "error parsing HTTP 403 response body: Forbidden",
    "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized",
]
FOR_NOW = [
    'Get "https://r.example/v2/": dial tcp: lookup r.example: no such host',
    'Get "https://r.example/v2/": dial tcp: lookup r.example on 10.0.0.2:53: server misbehaving',
    'Get "https://r.example/v2/": dial tcp 10.0.0.9:443: connect: connection refused',
    'Get "https://r.example/v2/": dial tcp 10.0.0.9:443: connect: no route to host',
    'Get "https://r.example/v2/": dial tcp 10.0.0.9:443: i/o timeout',
    'Get "https://r.example/v2/": net/http: TLS handshake timeout',
    'Get "https://r.example/v2/": x509: certificate signed by unknown authority',
    'Get "https://r.example/v2/": context deadline exceeded',
    'Get "https://r.example/v2/team/forbidden/manifests/1": i/o timeout',
    "toomanyrequests: You have reached your unauthenticated pull rate limit.",
    "unauthorized: too many requests",
    "unexpected status from HEAD request to https://r.example/v2/web/manifests/1: 429 Too Many Requests",
    "received unexpected HTTP status: 502 Bad Gateway",
    "error pulling image configuration: unexpected EOF",
    "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
    "open /var/lib/docker/tmp/GetImageBlob1: permission denied",
    'failed to register layer: exec: "unpigz": executable file not found in $PATH',
    "engine is shutting down",
]


@pytest.mark.parametrize("said", GONE)
def test_what_no_registry_has_stays_so(said: str) -> None:
    assert type(pull_fault("web:1", said)) is ImageNotFound


@pytest.mark.parametrize("said", DENIED)
def test_what_a_registry_denies_stays_so(said: str) -> None:
    assert type(pull_fault("web:1", said)) is PullDenied


@pytest.mark.parametrize("said", FOR_NOW)
def test_everything_else_may_pass(said: str) -> None:
    assert type(pull_fault("web:1", said)) is PullFailed


def test_a_name_that_no_image_can_have_is_refused() -> None:
    said = "invalid reference format: repository name must be lowercase"
    assert type(pull_fault("WEB:1", said)) is ContainerRejected


@pytest.mark.parametrize("said", [GONE[0], DENIED[0], FOR_NOW[0]])
def test_the_image_and_the_cause_are_named(said: str) -> None:
    assert str(pull_fault("r.example/web:1", said)) == f"pull r.example/web:1: {said}"


def test_every_class_has_a_code_of_its_own() -> None:
    codes = {kind.code for kind in (ImageNotFound, PullDenied, PullFailed)}
    assert codes == {"image_not_found", "pull_denied", "pull_failed"}
    assert issubclass(ImageNotFound, Permanent)
    assert issubclass(PullDenied, Permanent)
    assert issubclass(PullFailed, Transient)
