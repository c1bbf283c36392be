"""https:// URLs: who is believed, what is shown, and what is said when that fails."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.cli.stub import QuietServer, Run, Served, Stub, a_project, serving

Key = ec.EllipticCurvePrivateKey


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: str, key: Key, issuer: str, signer: Key, *, is_authority: bool) -> bytes:
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(address, critical=False)
        .sign(signer, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def _pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, and for a server and a client `NAME.pem` and `NAME.key`."""
    place = tmp_path_factory.mktemp("papers")
    authority = ec.generate_private_key(ec.SECP256R1())
    root = _certificate("ca", authority, "ca", authority, is_authority=True)
    (place / "ca.pem").write_bytes(root)
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        signed = _certificate(name, key, "ca", authority, is_authority=False)
        (place / f"{name}.pem").write_bytes(signed)
        (place / f"{name}.key").write_bytes(_pem(key))
        (place / f"{name}-both.pem").write_bytes(signed + _pem(key))
    return place


@pytest.fixture
def context(papers: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(papers / "server.pem", papers / "server.key")
    return made


@pytest.fixture
def secure(stub: Stub, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """The stub behind HTTPS."""
    handler = type("Handler", (Served,), {"stub": stub})
    server = QuietServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("TROOPERS_URL", f"https://127.0.0.1:{server.server_port}")
    stub.on("GET", "/projects/", (200, [a_project()]))
    with serving(server):
        yield stub


@pytest.mark.usefixtures("secure")
class TestServer:
    def test_one_of_a_known_authority_is_believed(self, run: Run, papers: Path) -> None:
        assert run("ls", "-q", "--cacert", str(papers / "ca.pem")).out == "shop\n"

    def test_the_authority_may_stand_in_the_environment(
        self, run: Run, papers: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TROOPERS_CACERT", str(papers / "ca.pem"))
        assert run("ls", "-q").out == "shop\n"

    def test_any_other_one_is_not_and_the_way_out_is_told(self, run: Run) -> None:
        done = run("ls")
        assert (done.code, done.out) == (1, "")
        assert "certificate verify failed" in done.err
        assert "--cacert FILE" in done.err
        assert done.err.count("\n") == 1

    def test_any_is_when_that_is_asked_for(self, run: Run) -> None:
        assert run("ls", "-q", "--insecure").out == "shop\n"


def test_a_client_shows_its_certificate(
    secure: Stub, run: Run, context: ssl.SSLContext, papers: Path
) -> None:
    context.load_verify_locations(papers / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    trusted = ("ls", "-q", "--cacert", str(papers / "ca.pem"))
    assert run(*trusted).code == 1
    shown = ("--cert", str(papers / "client.pem"), "--key", str(papers / "client.key"))
    assert run(*trusted, *shown).out == "shop\n"
    assert run(*trusted, "--cert", str(papers / "client-both.pem")).out == "shop\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--url", "127.0.0.1:4280"],
        ["--url", "tcp://127.0.0.1:4280"],
        ["--url", "http://:4280"],
        ["--url", "http://127.0.0.1:x"],
        ["--url", "http://127.0.0.1:1", "--insecure"],
        ["--url", "https://127.0.0.1:1", "--cacert", "missing.pem"],
        ["--url", "https://127.0.0.1:1", "--cert", "missing.pem"],
        ["--url", "https://127.0.0.1:1", "--key", "missing.pem"],
    ],
)
def test_what_can_t_be_used_is_wrong_usage(run: Run, words: list[str]) -> None:
    done = run("ls", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_a_path_in_the_url_stands_before_every_other_one(
    stub: Stub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROOPERS_URL", f"{stub.url}/behind/a/proxy/")
    stub.on("GET", "/behind/a/proxy/projects/", (200, [a_project()]))
    assert run("ls", "-q").out == "shop\n"
