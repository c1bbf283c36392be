"""`Transport`: one request over HTTP or HTTPS, and its answer.

What an answer means is the caller's business: only silence is an error here.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cli.errors import ApiError, UsageError


@dataclass(frozen=True, slots=True)
class Tls:
    """How an HTTPS server is verified, and what it is shown. Paths are of PEM files."""

    #: None: the authorities that this machine trusts
    authority: Path | None = None
    certificate: Path | None = None
    #: None: the certificate's file holds it too
    key: Path | None = None
    is_verified: bool = True

    def context(self) -> ssl.SSLContext:
        """Raises UsageError when a file can't be used."""
        try:
            context = ssl.create_default_context(cafile=self.authority)
        except OSError as error:
            raise UsageError(f"--cacert {self.authority}: {error}") from error
        if not self.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.key and not self.certificate:
            raise UsageError(f"--key {self.key}: needs --cert as well")
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except OSError as error:
                raise UsageError(f"--cert {self.certificate}: {error}") from error
        return context


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Headers are by lower-case name."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The parsed body; None when there is none, text when it isn't JSON."""
        try:
            return json.loads(self.content) if self.content else None
        except ValueError:
            return self.content.decode(errors="replace")  # /readyz and /metrics speak plain text.

    @property
    def message(self) -> str:
        """What an error's body says, in one line."""
        body = self.body
        if isinstance(body, dict) and "message" in body:
            return str(body["message"])
        return str(body or f"status {self.status}").strip()[:200]


@dataclass(frozen=True, slots=True)
class Transport:
    """A server such as http://127.0.0.1:4280; a path in its URL stands before every other one."""

    url: str
    context: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def to(cls, url: str, tls: Tls | None = None) -> Self:
        """Raises UsageError for what is no URL, or where a file of `tls` can't be used."""
        try:
            address = urlsplit(url)
            is_url = bool(address.hostname) and address.port != 0
        except ValueError:
            is_url = False
        if not is_url or address.scheme not in ("http", "https"):
            raise UsageError(f"{url!r} is no URL: use http://HOST:PORT or https://HOST:PORT")
        tls = tls or Tls()
        if address.scheme == "https":
            return cls(url.rstrip("/"), tls.context())
        if tls != Tls():
            raise UsageError(f"{url} is no https:// URL, so nothing about TLS applies to it")
        return cls(url.rstrip("/"))

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float,
    ) -> Answer:
        """Ask once. Raises ApiError without a status when nothing comes back in time."""
        address = urlsplit(self.url)
        given = {"Accept": "application/json", **(headers or {})}
        content = None
        if body is not None:
            given["Content-Type"] = "application/json"
            content = json.dumps(body)
        connection = self._connection(address.hostname or "", address.port, timeout_s)
        try:
            connection.request(method, address.path + path, content, given)
            response = connection.getresponse()
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        # A host that is no name of the domain name system is a UnicodeError.
        except (OSError, HTTPException, UnicodeError) as error:
            why = f"no answer ({error or type(error).__name__}){_hint(error)}"
            raise ApiError(f"{method} {self.url}{path}: {why}") from error
        finally:
            connection.close()

    def _connection(self, host: str, port: int | None, timeout_s: float) -> HTTPConnection:
        if self.context is None:
            return HTTPConnection(host, port, timeout=timeout_s)
        return HTTPSConnection(host, port, timeout=timeout_s, context=self.context)


def _hint(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "; --cacert FILE names the authority that signed its certificate"
    return ""
