"""The contents of one member of a ZIP: decrypted, unpacked, and proven as they come.

Source of the encryption: WinZip, *AES Encryption Information: Encryption Specification AE-1 and
AE-2*; of the old one, PKWARE, APPNOTE.TXT 6.3.10, 6.1.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import zlib
from collections.abc import Iterator, Sequence

from avplugin.errors import AvpluginError
from avplugin.language import N_
from avplugin.package.manifest import PackageError
from avplugin.package.zip_directory import AES, DEFLATED, Member

_ROUNDS = 1000  # of PBKDF2, as the specification has them
_CODE = 10  # bytes of the authentication code behind the data
_HEAD = 12  # bytes before the data with ZipCrypto
_CHUNK = 262_144  # bytes that are read at once, and
_MOST = 1_048_576  # that come out at once


class WrongPassword(AvpluginError):  # noqa: N818 - named for what it is
    """The password is not the one that a package was made with."""

    def __init__(self) -> None:
        super().__init__(N_("wrong password."))


def passwords_as_bytes(password: str, *, is_ours: bool) -> Sequence[bytes]:
    """Return what a password may have been in bytes: other programs take other character sets."""
    if is_ours or password.isascii():
        return [password.encode("utf-8", "surrogateescape")]
    found = []
    for charset in ("utf-8", "cp1252", "cp850"):
        try:
            found.append(password.encode(charset))
        except UnicodeEncodeError:
            continue
    return list(dict.fromkeys(found))


def contents(
    descriptor: int, member: Member, password: bytes | None, *, check_crc: bool
) -> Iterator[bytes]:
    """Yield what a member holds, never more than its size says.

    What was yielded counts only once this has come to its end: then it is authentic as far as its
    password goes, and whole. `check_crc` is for what nothing else proves. Raise WrongPassword,
    PackageError or OSError.
    """
    if not member.encryption:
        packed = _chunks(descriptor, member.start, member.packed)
    elif password is None:
        raise WrongPassword
    elif member.encryption == AES:
        packed = _decrypted(descriptor, member, password)
    else:
        packed = _by_zipcrypto(descriptor, member, password)
    chunks = _inflated(packed, member) if member.method == DEFLATED else packed
    # Of AE-2 there is no CRC.
    checks = check_crc and member.aes_version != 2
    crc = size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > member.size:
            raise PackageError(f"{member.name} holds more than it says")
        if checks:
            crc = zlib.crc32(chunk, crc)
        yield chunk
    if size != member.size:
        raise PackageError(f"{member.name} is damaged: it holds less than it says")
    if checks and crc != member.crc:
        raise PackageError(f"{member.name} is damaged: its checksum is another")


def knows_password(descriptor: int, member: Member, password: bytes) -> bool:
    """Return whether a member seems to be encrypted with this password.

    One wrong password in 65,536 is not noticed here, one in 256 with ZipCrypto.
    """
    if member.encryption == AES:
        salt = _exactly(descriptor, member.start, member.key // 2)
        said = _exactly(descriptor, member.start + len(salt), 2)
        return _keys(member, password, salt)[2] == said
    head = _exactly(descriptor, member.start, _HEAD)
    return _ZipCrypto(password).decrypted(head)[-1] == member.check


def _keys(member: Member, password: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the keys of encryption and of authentication, and what the password is known by."""
    length = member.key
    derived = hashlib.pbkdf2_hmac("sha1", password, salt, _ROUNDS, 2 * length + 2)
    return derived[:length], derived[length : 2 * length], derived[2 * length :]


def _decrypted(descriptor: int, member: Member, password: bytes) -> Iterator[bytes]:
    from Cryptodome.Cipher import AES as CIPHER  # noqa: PLC0415 - 30 ms
    from Cryptodome.Util import Counter  # noqa: PLC0415

    salt = _exactly(descriptor, member.start, member.key // 2)
    key, authentication, known_by = _keys(member, password, salt)
    start = member.start + len(salt) + 2
    if _exactly(descriptor, start - 2, 2) != known_by:
        raise WrongPassword
    length = member.packed - len(salt) - 2 - _CODE
    counter = Counter.new(128, initial_value=1, little_endian=True)
    cipher = CIPHER.new(key, CIPHER.MODE_CTR, counter=counter)
    code = hmac.new(authentication, digestmod="sha1")
    for chunk in _chunks(descriptor, start, length):
        code.update(chunk)
        yield cipher.decrypt(chunk)
    if not hmac.compare_digest(code.digest()[:_CODE], _exactly(descriptor, start + length, _CODE)):
        raise PackageError(f"{member.name} is damaged, or was changed after it was encrypted")


def _inflated(packed: Iterator[bytes], member: Member) -> Iterator[bytes]:
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in packed:
            if unpack.eof:
                raise PackageError(f"{member.name} is damaged: something lies behind its end")
            data = chunk
            while data and not unpack.eof:
                yield unpack.decompress(data, _MOST)
                data = unpack.unconsumed_tail
        if rest := unpack.flush():
            yield rest
    except zlib.error as error:
        raise PackageError(f"{member.name} is damaged: it cannot be unpacked") from error
    if not unpack.eof or unpack.unused_data:
        raise PackageError(f"{member.name} is damaged: it does not end where it should")


def _by_zipcrypto(descriptor: int, member: Member, password: bytes) -> Iterator[bytes]:
    """Yield what lies behind the twelve bytes that the password is known by (APPNOTE 6.1)."""
    keys = _ZipCrypto(password)
    if keys.decrypted(_exactly(descriptor, member.start, _HEAD))[-1] != member.check:
        raise WrongPassword
    for chunk in _chunks(descriptor, member.start + _HEAD, member.packed - _HEAD):
        yield keys.decrypted(chunk)


class _ZipCrypto:
    """The three keys of ZIP's old encryption, which protects nothing, but is still 7-Zip's own."""

    def __init__(self, password: bytes) -> None:
        self._keys = (0x12345678, 0x23456789, 0x34567890)
        self._run(password, is_plain=True)

    def decrypted(self, data: bytes) -> bytes:
        """Return what these bytes were, and go on to the next ones."""
        return self._run(data, is_plain=False)

    def _run(self, data: bytes, *, is_plain: bool) -> bytes:
        one, two, three = self._keys
        table = _CRC_TABLE
        out = bytearray()
        for byte in data:
            if not is_plain:
                mixed = three | 2
                byte ^= (mixed * (mixed ^ 1)) >> 8 & 0xFF  # noqa: PLW2901 - a loop over bytes
            one = table[(one ^ byte) & 0xFF] ^ one >> 8
            two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            three = table[(three ^ two >> 24) & 0xFF] ^ three >> 8
            out.append(byte)
        self._keys = (one, two, three)
        return bytes(out)


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value


_CRC_TABLE = tuple(_crc_of_byte(value) for value in range(256))


def _chunks(descriptor: int, start: int, length: int) -> Iterator[bytes]:
    while length:
        chunk = _exactly(descriptor, start, min(_CHUNK, length))
        yield chunk
        start += len(chunk)
        length -= len(chunk)


def _exactly(descriptor: int, start: int, length: int) -> bytes:
    data = os.pread(descriptor, length, start)
    if len(data) != length:
        raise PackageError("it is cut off, or was changed meanwhile")
    return data
