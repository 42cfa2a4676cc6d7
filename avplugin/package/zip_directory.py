"""What a ZIP says it holds: read from end to beginning, and judged, before anything in it is used.

A ZIP says most things twice. What is read here holds only where both say the same: no two programs
see different things in a file that is taken. Its members stand one behind the other from its first
byte to its list of them, none over another, and nothing lies before, between or behind them.

Sources: PKWARE, APPNOTE.TXT (.ZIP File Format Specification) 6.3.10; WinZip, *AES Encryption
Information: Encryption Specification AE-1 and AE-2*; Info-ZIP, *extrafld.txt*.
"""

from __future__ import annotations

import datetime
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from avplugin.package.manifest import PackageError

STORED, DEFLATED = 0, 8
ZIPCRYPTO = "ZipCrypto"
AES = "AES"

LARGEST_DIRECTORY = 32_000_000  # bytes: some 250,000 members

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF

_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x1, 0x8, 0x800
_KNOWN_FLAGS = _ENCRYPTED | 0x6 | _DESCRIPTOR | _UTF8  # 0x6: how hard it was tried to pack
_AES_METHOD = 99
_AES_KEYS = {1: 16, 2: 24, 3: 32}  # bytes of the key, by the number of its strength
_AES_REST = 2 + 10  # bytes beside the salt: to know the password by, and the authentication code
_ZIPCRYPTO_REST = 12
_MOST_DEFLATED = 1032  # bytes out of one: deflate cannot do better

_EXTRA_ZIP64, _EXTRA_NTFS, _EXTRA_TIME, _EXTRA_NAME, _EXTRA_AES = 1, 10, 0x5455, 0x7075, 0x9901
_DOS_DIRECTORY, _REPARSE_POINT = 0x10, 0x400
_FROM_UNIX = 3
_NTFS_EPOCH = 116_444_736_000_000_000  # of 1970, in tenths of a microsecond since 1601


class Member(NamedTuple):
    """One member of a ZIP. `encryption` is ZIPCRYPTO, AES or empty.

    `start` is where its data begin, `packed` how many bytes they are, `size` how many bytes come
    out. `key` is bytes of its AES key, `aes_version` 1 or 2, else 0. `modified` is nanoseconds
    since 1970. `crc` is 0 where only the authentication code counts. `check` is the byte that a
    password for ZipCrypto is known by.
    """

    name: str
    is_directory: bool
    encryption: str
    key: int
    aes_version: int
    method: int
    crc: int
    check: int
    packed: int
    size: int
    modified: int
    start: int


class _Listed(NamedTuple):
    """A member as the list at the end has it, before it is judged."""

    raw_name: bytes
    name: str
    flags: int
    method: int
    moment: tuple[int, int]
    crc: int
    packed: int
    size: int
    attributes: int
    header: int
    extra: dict[int, bytes]


def read_members(file: BinaryIO) -> list[Member]:
    """Return the members of a ZIP in the order in which they lie in it.

    Raise PackageError for anything that is odd, OSError if the file cannot be read.
    """
    size = file.seek(0, 2)
    start, length, count = _find_directory(file, size)
    directory = _read(file, start, length)
    listed = sorted(_listed(directory, count), key=lambda one: one.header)
    members = []
    at = 0
    for number, one in enumerate(listed):
        if one.header != at:
            raise PackageError(f"its members do not stand one behind the other ({one.name!r:.60})")
        after = listed[number + 1].header if number + 1 < len(listed) else start
        member = _member(file, one, after)
        members.append(member)
        at = after
    if not members:
        raise PackageError("it holds nothing")
    return members


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    data = file.read(length)
    if len(data) != length:
        raise PackageError("it is cut off, or damaged")
    return data


def _find_directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return where the list of members begins, how many bytes it has, and how many members."""
    if size < _END.size:
        raise PackageError("it is no ZIP")
    end = size - _END.size
    fields = _END.unpack(_read(file, end, _END.size))
    if fields[0] != b"PK\5\6" or fields[7]:
        is_zip = file.seek(0) == 0 and file.read(2) == b"PK"
        why = "it is cut off, or something was added at its end" if is_zip else "it is no ZIP"
        raise PackageError(why)
    _, disk, first_disk, here, count, length, start, _ = fields
    locator = _read(file, end - _LOCATOR.size, _LOCATOR.size) if end >= _LOCATOR.size else b""
    if locator[:4] == b"PK\6\7":
        end, (here, count, length, start) = _read_end64(
            file, end - _LOCATOR.size, locator, (here, count, length, start)
        )
    if disk or first_disk or here != count:
        raise PackageError("it is one of several parts")
    if start + length != end:
        raise PackageError("its list of members is not where it should be: it is damaged")
    if length > LARGEST_DIRECTORY or count * _CENTRAL.size > length:
        raise PackageError("its list of members is too large, or damaged")
    return start, length, count


def _read_end64(
    file: BinaryIO, end: int, locator: bytes, short: tuple[int, int, int, int]
) -> tuple[int, tuple[int, int, int, int]]:
    """Return where the end of a large ZIP begins, and what it says; `end` is behind it."""
    _, disk, offset, disks = _LOCATOR.unpack(locator)
    if disk or disks != 1 or offset + _END64.size != end:
        raise PackageError("its end is damaged (ZIP64)")
    fields = _END64.unpack(_read(file, offset, _END64.size))
    long = fields[6:]
    if fields[0] != b"PK\6\6" or fields[1] != _END64.size - 12 or fields[4] or fields[5]:
        raise PackageError("its end is damaged (ZIP64)")
    for at, most in enumerate((_MAX16, _MAX16, _MAX32, _MAX32)):
        if short[at] not in {most, long[at]}:
            raise PackageError("its end says two things (ZIP64)")
    return offset, long


def _listed(directory: bytes, count: int) -> Iterator[_Listed]:
    """Yield the members as the list has them."""
    at = 0
    for _ in range(count):
        if at + _CENTRAL.size > len(directory):
            raise PackageError("its list of members is damaged")
        fields = _CENTRAL.unpack_from(directory, at)
        signature, made_by, _, flags, method, time, date, crc, packed, size = fields[:10]
        name_length, extra_length, comment_length, disk, _, attributes, header = fields[10:]
        at += _CENTRAL.size
        if signature != b"PK\1\2" or disk:
            raise PackageError("its list of members is damaged")
        raw_name = directory[at : at + name_length]
        at += name_length
        raw_extra = directory[at : at + extra_length]
        at += extra_length + comment_length
        if at > len(directory):
            raise PackageError("its list of members is damaged")
        extra = _extra(raw_extra)
        name = _decoded(raw_name, flags, made_by >> 8, extra)
        packed, size, header = _zip64(extra, packed, size, header)
        yield _Listed(
            raw_name=raw_name,
            name=name,
            flags=flags,
            method=method,
            moment=(date, time),
            crc=crc,
            packed=packed,
            size=size,
            attributes=attributes,
            header=header,
            extra=extra,
        )
    if at != len(directory):
        raise PackageError("its list of members is damaged")


def _extra(data: bytes) -> dict[int, bytes]:
    """Return the extra fields by their numbers."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise PackageError("its list of members is damaged (extra fields)")
        number, length = struct.unpack_from("<HH", data, at)
        at += 4
        if at + length > len(data) or number in found:
            raise PackageError("its list of members is damaged (extra fields)")
        found[number] = data[at : at + length]
        at += length
    return found


def _zip64(extra: dict[int, bytes], packed: int, size: int, header: int) -> tuple[int, int, int]:
    """Return sizes and offset, those that do not fit 32 bits out of the extra field for them."""
    values = [size, packed, header]
    large = [at for at, value in enumerate(values) if value == _MAX32]
    data = extra.get(_EXTRA_ZIP64, b"")
    if len(data) != 8 * len(large):
        raise PackageError("its list of members says sizes twice, or not at all (ZIP64)")
    for at, value in zip(large, struct.unpack(f"<{len(large)}Q", data), strict=True):
        values[at] = value
    size, packed, header = values
    return packed, size, header


def _decoded(raw: bytes, flags: int, system: int, extra: dict[int, bytes]) -> str:
    """Return a name as text.

    Windows writes names in the code page of DOS, which is 850 in the Netherlands, unless it says
    that they are UTF-8.
    """
    if flags & _UTF8 or raw.isascii():
        return _utf8(raw)
    unicode_name = extra.get(_EXTRA_NAME, b"")  # Info-ZIP: version, CRC of the other name, UTF-8
    if unicode_name[:5] == struct.pack("<BI", 1, zlib.crc32(raw)):
        return _utf8(unicode_name[5:])
    return _utf8(raw) if system == _FROM_UNIX else raw.decode("cp850")


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PackageError(f"it has a name that is no text ({raw[:60]!r})") from error


def _member(file: BinaryIO, one: _Listed, after: int) -> Member:
    """Judge one member by all that is said of it; `after` is where the next thing begins."""
    shown = f"{one.name!r:.100}"
    if one.flags & ~_KNOWN_FLAGS:
        raise PackageError(f"{shown} is encrypted or packed in a way that avplugin cannot read")
    is_directory = one.name.endswith("/")
    _check_type(one, shown, is_directory=is_directory)
    encryption, key, aes_version, method = _how_packed(one, shown)
    if method not in {STORED, DEFLATED}:
        raise PackageError(
            f"{shown} is packed by method {method}; avplugin reads deflate only, ZIP's own"
        )
    start = _check_local(file, one, after, shown)
    rest = {ZIPCRYPTO: _ZIPCRYPTO_REST, AES: key // 2 + _AES_REST}.get(encryption, 0)
    inner = one.packed - rest
    fits = inner == one.size if method == STORED else one.size <= inner * _MOST_DEFLATED
    if inner < 0 or not fits or (is_directory and one.size):
        raise PackageError(f"{shown} cannot be {one.size} bytes out of {one.packed}")
    return Member(
        name=one.name,
        is_directory=is_directory,
        encryption=encryption,
        key=key,
        aes_version=aes_version,
        method=method,
        crc=one.crc,
        # APPNOTE 6.1.6; where the CRC was not known yet, of the time, as Info-ZIP does.
        check=one.moment[1] >> 8 if one.flags & _DESCRIPTOR else one.crc >> 24,
        packed=one.packed,
        size=one.size,
        modified=_modified(one, shown),
        start=start,
    )


def _check_type(one: _Listed, shown: str, *, is_directory: bool) -> None:
    """Refuse what is neither file nor directory: links, devices, pipes."""
    mode = stat.S_IFMT(one.attributes >> 16)
    wanted = stat.S_IFDIR if is_directory else stat.S_IFREG
    if mode not in {0, wanted} or one.attributes & _REPARSE_POINT:
        raise PackageError(
            f"{shown} is a link, a device or the like; no AccountView folder has any"
        )
    if one.attributes & _DOS_DIRECTORY and not is_directory:
        raise PackageError(f"{shown} is said to be a file and a folder")


def _how_packed(one: _Listed, shown: str) -> tuple[str, int, int, int]:
    """Return encryption, bytes of an AES key, version of AES encryption, and the method."""
    aes = one.extra.get(_EXTRA_AES)
    if (one.method == _AES_METHOD) != (aes is not None):
        raise PackageError(f"{shown} says two things about its encryption")
    if aes is None:
        return (ZIPCRYPTO if one.flags & _ENCRYPTED else "", 0, 0, one.method)
    if len(aes) != 7 or not one.flags & _ENCRYPTED:
        raise PackageError(f"{shown} says two things about its encryption")
    version, vendor, strength, method = struct.unpack("<H2sBH", aes)
    if version not in {1, 2} or vendor != b"AE" or strength not in _AES_KEYS:
        raise PackageError(f"{shown} is encrypted in a way that avplugin cannot read")
    return AES, _AES_KEYS[strength], version, method


def _check_local(file: BinaryIO, one: _Listed, after: int, shown: str) -> int:
    """Return where a member's data begin. What stands before and behind them has to agree."""
    twice = f"{shown} is one thing in the list of members and another where it lies"
    fields = _LOCAL.unpack(_read(file, one.header, _LOCAL.size))
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    if signature != b"PK\3\4":
        raise PackageError(f"{shown} is not where the list of members says")
    rest = _read(file, one.header + _LOCAL.size, name_length + extra_length)
    extra = _extra(rest[name_length:])
    same_flags = (flags ^ one.flags) & ~0x6 == 0
    if rest[:name_length] != one.raw_name or method != one.method or not same_flags:
        raise PackageError(twice)
    if extra.get(_EXTRA_AES) != one.extra.get(_EXTRA_AES):
        raise PackageError(twice)
    if _EXTRA_ZIP64 in extra and len(extra[_EXTRA_ZIP64]) == 16:
        long = struct.unpack("<QQ", extra[_EXTRA_ZIP64])
        size, packed = long[0] if size == _MAX32 else size, long[1] if packed == _MAX32 else packed
    is_late = bool(flags & _DESCRIPTOR)
    said, true = (crc, packed, size), (one.crc, one.packed, one.size)
    for value, right in zip(said, true, strict=True):
        if value != right and not (is_late and value in {0, _MAX32}):
            raise PackageError(twice)
    start = one.header + _LOCAL.size + len(rest)
    end = start + one.packed
    if end > after or (end != after and not is_late):
        raise PackageError(f"{shown} does not end where the next member begins")
    if is_late and not _is_descriptor(_read(file, end, min(after - end, 25)), true):
        raise PackageError(twice)
    return start


def _is_descriptor(data: bytes, true: tuple[int, int, int]) -> bool:
    """Return whether this is what stands behind a member that was packed before it was known."""
    fields = data.removeprefix(b"PK\7\10") if len(data) in {16, 24} else data
    crc, packed, size = true
    forms = [struct.pack("<IQQ", crc, packed, size)]
    if packed <= _MAX32 and size <= _MAX32:
        forms.append(struct.pack("<III", crc, packed, size))
    return fields in forms


def _modified(one: _Listed, shown: str) -> int:
    """Return when a member was last written, from the most exact source there is."""
    ntfs = one.extra.get(_EXTRA_NTFS, b"")
    if len(ntfs) >= 16 and ntfs[4:8] == b"\1\0\x18\0":
        ticks: int = struct.unpack_from("<Q", ntfs, 8)[0]
        if _NTFS_EPOCH <= ticks < 2 * _NTFS_EPOCH:
            return (ticks - _NTFS_EPOCH) * 100
    unix = one.extra.get(_EXTRA_TIME, b"")
    if len(unix) >= 5 and unix[0] & 1:
        seconds: int = struct.unpack_from("<i", unix, 1)[0]
        return seconds * 1_000_000_000
    date, time = one.moment
    try:  # local time, as FAT has it
        moment = datetime.datetime(
            *(1980 + (date >> 9), date >> 5 & 15, date & 31),
            *(time >> 11, time >> 5 & 63, min((time & 31) * 2, 59)),
        )
        return round(moment.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError, OSError) as error:
        if not date:  # none is said
            return 0
        raise PackageError(f"{shown} has a date that cannot be") from error
