"""A real mail server on loopback that keeps what it gets, with a certificate made for the test."""

from __future__ import annotations

import datetime
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
    ) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []
        self.refuses = refuses
        self.authority = folder / f"{certificate_for}.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_make_certificate(self.authority, certificate_for))
        words: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
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
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.got.append(([str(one) for one in envelope.rcpt_tos], message))
        return "250 OK"

    @staticmethod
    def _let_in(_server: object, _session: object, _envelope: object, _way: str, data: Any) -> Any:
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == known, handled=False)


def _make_certificate(file: Path, name: str) -> Path:
    """Write a certificate that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
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
