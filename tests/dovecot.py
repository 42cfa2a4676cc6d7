"""A real Dovecot on loopback: a mailbox over IMAP, and LMTP for a mail server to deliver to it.

It has its own configuration, state and certificate authority in a folder of its own, runs as an
ordinary user also if the tests run as root, and is gone when the block ends.
"""

from __future__ import annotations

import base64
import contextlib
import grp
import hashlib
import hmac
import json
import os
import pwd
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from imapclient import IMAPClient
from mail_server import PASSWORD, USER, Authority

ADDRESS = f"{USER}@example.com"
_NOBODY = 65534
_KEY = b"the key that tokens are signed with"

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_uid = {uid}
mail_gid = {gid}
mailbox_list_index = yes
ssl = required
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
{more}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {ports[0]}
  }}
  inet_listener imaps {{
    port = {ports[1]}
  }}
}}
service lmtp {{
  chroot =
  inet_listener lmtp {{
    port = {ports[2]}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
_OF_2_3 = """
mail_location = maildir:{folder}/mail/%n
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
disable_plaintext_auth = yes
auth_username_format = %n
passdb {{
  driver = passwd-file
  args = {folder}/passwd
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n allow_all_users=yes
}}
"""
_OAUTH2_OF_2_3 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
username_format = %n
"""
_BEGINNING_OF_2_4 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
"""
_OF_2_4 = """
mail_driver = maildir
mail_path = {folder}/mail/%{{user | username}}
ssl_server_cert_file = {folder}/server.pem
ssl_server_key_file = {folder}/server.pem
auth_allow_cleartext = no
auth_username_format = %{{user | username}}
passdb passwd-file {{
  passwd_file_path = {folder}/passwd
}}
passdb oauth2 {{
  mechanisms_filter = xoauth2
}}
oauth2 {{
  introspection_mode = local
  username_attribute = sub
  oauth2_local_validation {{
    dict fs {{
      fs posix {{
        prefix = {folder}/keys/
      }}
    }}
  }}
}}
userdb static {{
  static_allow_all_users = yes
  fields {{
    uid = {uid}
    gid = {gid}
    home = {folder}/mail/%{{user | username}}
  }}
}}
"""


class Dovecot:
    """A running Dovecot; `port` is for STARTTLS, `tls_port` for TLS, `lmtp_port` for delivery."""

    def __init__(self, folder: Path, ports: list[int], process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.port, self.tls_port, self.lmtp_port = ports
        self.authority = folder / "authority.pem"
        self.process = process

    def token(self, user: str = USER, *, expires_in: int = 3600) -> str:
        """Return an access token for somebody: a JWT, which this Dovecot checks by itself."""
        now = int(time.time())
        claims = {"sub": user, "iat": now - 10, "exp": now + expires_in, "typ": "Bearer"}
        parts = [{"alg": "HS256", "typ": "JWT", "kid": "default"}, claims]
        text = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_base64url(hmac.digest(_KEY, text.encode(), hashlib.sha256))}"

    def deliver(self, message: EmailMessage | bytes, *, to: str = ADDRESS) -> None:
        """Hand over a message as a mail server does."""
        data = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as connection:
            connection.sendmail("somebody@example.com", [to], data)

    @contextlib.contextmanager
    def opened(self, folder: str = "INBOX") -> Iterator[IMAPClient]:
        """Look into the mailbox with another client than avplugin."""
        with _client(self) as client:
            client.select_folder(folder)
            yield client

    def flags(self, uid: int, folder: str = "INBOX") -> set[bytes]:
        """Return a message's flags; fail if it is not there."""
        with self.opened(folder) as client:
            return set(client.fetch([uid], ["FLAGS"])[uid][b"FLAGS"]) - {b"\\Recent"}

    def uids(self, folder: str = "INBOX") -> list[int]:
        """Return the messages that are there."""
        with self.opened(folder) as client:
            return list(client.search())

    def empty(self) -> None:
        """Remove all messages, whatever folder they are in."""
        with _client(self) as client:
            for _, _, name in client.list_folders():
                client.select_folder(name)
                if uids := client.search():
                    client.delete_messages(uids)
                    client.expunge()


@contextlib.contextmanager
def dovecot(more: str = "") -> Iterator[Dovecot]:
    """Run Dovecot with one mailbox, that of USER; `more` is added to its configuration."""
    # Not below pytest's folder: that one is closed to all but its own user.
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    is_root = os.geteuid() == 0
    uid, gid = (_NOBODY, _NOBODY) if is_root else (os.geteuid(), os.getegid())
    become = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"] if is_root else []
    ports = _free_ports(3)
    authority = Authority(folder)
    authority.issue(folder / "server.pem", "localhost")
    (folder / "passwd").write_text(f"{USER}:{{PLAIN}}{PASSWORD}:::::\n")
    keys = folder / "keys" / "default" / "HS256"
    keys.mkdir(parents=True)
    (keys / "default").write_text(base64.b64encode(_KEY).decode())
    server = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert server is not None, "./run test installs dovecot-imapd and dovecot-lmtpd"
    values = {
        **{"folder": folder, "user": _name(uid), "group": _group(gid), "uid": uid, "gid": gid},
        **{"ports": ports, "more": more},
    }
    (folder / "oauth2").write_text(_OAUTH2_OF_2_3.format(**values))
    (folder / "dovecot.conf").write_text(_text_for(server).format(**values))
    for part in ("run", "state", "mail"):
        (folder / part).mkdir()
    if is_root:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, gid)
    process = subprocess.Popen([*become, server, "-F", "-c", str(folder / "dovecot.conf")])
    try:
        for port in ports:
            _wait_for(port, process, folder / "log")
        yield Dovecot(folder, ports, process)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def _text_for(server: str) -> str:
    """Return a configuration in the words of this Dovecot; 2.4 has others than those before."""
    done = subprocess.run([server, "--version"], capture_output=True, text=True, check=True)
    if done.stdout.startswith("2.3."):
        return _CONFIGURATION + _OF_2_3
    return _BEGINNING_OF_2_4 + _CONFIGURATION + _OF_2_4


def _client(server: Dovecot) -> IMAPClient:
    context = ssl.create_default_context(cafile=str(server.authority))
    client = IMAPClient("localhost", server.tls_port, ssl_context=context)
    client.login(USER, PASSWORD)
    return client


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, log.read_text() if log.exists() else "it did not start"
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")


def _name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
