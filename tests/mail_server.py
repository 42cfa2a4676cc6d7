"""A real mail server on loopback that keeps what it gets, or hands it on to a mailbox.

Its certificate is made for the test, by an authority that is made for it as well.
"""

from __future__ import annotations

import base64
import datetime
import smtplib
import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "kantoor", "geheim-9d41"


class _OnAnyPort(Controller):
    """A server on a port that the system chooses; aiosmtpd's own would connect to port 0."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class MailServer:
    """One server; `got` are the messages it took, with whom each is for."""

    def __init__(
        self,
        folder: Path,
        *,
        encryption: str,
        certificate_for: str = "localhost",
        refuses: tuple[str, ...] = (),
        hand_on_to: int | None = None,
        token: str | None = None,
        largest: int | None = None,
    ) -> None:
        """`hand_on_to` is the LMTP port of a mailbox, `token` what lets somebody in by XOAUTH2."""
        self.got: list[tuple[list[str], EmailMessage]] = []
        self.refuses = refuses
        self._hand_on_to = hand_on_to
        self._token = token
        authority = Authority(folder)
        self.authority = authority.file
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue(folder / "server.pem", certificate_for))
        words: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
        if largest is not None:
            words["data_size_limit"] = largest
        if encryption != "none":
            words |= {"authenticator": self._let_in, "auth_required": True}
        if encryption == "tls":
            words |= {"ssl_context": context, "auth_require_tls": False}
        elif encryption == "starttls":
            words |= {"tls_context": context, "require_starttls": True}
        self._controller = _OnAnyPort(self, **words)

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """The port it chose."""
        return int(self._controller.port)

    async def handle_RCPT(
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        if address in self.refuses:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if self._hand_on_to is not None:
            with smtplib.LMTP("127.0.0.1", self._hand_on_to) as mailbox:
                mailbox.sendmail(envelope.mail_from or "", envelope.rcpt_tos, envelope.content)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.got.append(([str(one) for one in envelope.rcpt_tos], message))
        return "250 OK"

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:
        """Let somebody in as Microsoft and Google do: a refusal is explained in a challenge."""
        said = base64.b64decode(args[1])
        if self._token and said == f"user={USER}\1auth=Bearer {self._token}\1\1".encode():
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"401","schemes":"bearer"}')
        return AuthResult(success=False, handled=False)

    @staticmethod
    def _let_in(_server: object, _session: object, _envelope: object, _way: str, data: Any) -> Any:
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == known, handled=False)


class Authority:
    """A certificate authority made for a test; `file` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        # Of two with one name, a client would take the first for the other.
        self._name = _named(f"A test's authority {x509.random_serial_number()}"[:64])
        builder = _certificate(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        certificate = builder.sign(self._key, hashes.SHA256())
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, file: Path, name: str) -> Path:
        """Write a server's certificate for a name, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _certificate(_named(name), self._name, key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return file


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    name: x509.Name, by: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
