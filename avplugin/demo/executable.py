"""A Windows program that does nothing but has a version, as `avwin.exe` has one.

Source: Microsoft, *PE Format*, and *VS_VERSIONINFO* with the structures below it.
"""

from __future__ import annotations

import struct

_FILE_ALIGNMENT, _SECTION_ALIGNMENT = 0x200, 0x1000
_IMAGE_BASE = 0x400000
_HEADERS_LENGTH = 0x400
_CODE_ADDRESS, _RESOURCES_ADDRESS = 0x1000, 0x2000
_RETURN_0 = b"\x31\xc0\xc3"  # xor eax, eax; ret

_I386 = 0x014C
_EXECUTABLE_32_BIT = 0x0102
_PE32 = 0x010B
_WINDOWS_PROGRAM = 2
_CODE_SECTION, _DATA_SECTION = 0x60000020, 0x40000040
_DIRECTORIES, _RESOURCE_DIRECTORY = 16, 2

_VERSION_RESOURCE = 16
_DUTCH, _WINDOWS_1252 = 0x0413, 1252


def executable(version: str, texts: dict[str, str], *, padding: bytes = b"") -> bytes:
    """Given a version such as 11.2.0.415 and the texts of its version resource, return a program.

    `padding` makes it larger, behind its code.
    """
    code = _aligned(_RETURN_0.ljust(16, b"\xcc") + padding, _FILE_ALIGNMENT)
    resources = _resources(_version_information(version, texts))
    resources_length = len(resources)
    resources = _aligned(resources, _FILE_ALIGNMENT)
    resources_address = max(
        _RESOURCES_ADDRESS, _CODE_ADDRESS + len(_aligned(code, _SECTION_ALIGNMENT))
    )
    resources = _relocated(resources, resources_address)

    dos = b"MZ" + bytes(58) + struct.pack("<I", 0x40)
    file_header = struct.pack("<4sHHIIIHH", b"PE\0\0", _I386, 2, 0, 0, 0, 224, _EXECUTABLE_32_BIT)
    image_length = resources_address + len(_aligned(resources, _SECTION_ALIGNMENT))
    optional_header = struct.pack(
        "<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII",
        _PE32,
        14,  # linker version
        0,
        len(code),
        len(resources),
        0,
        _CODE_ADDRESS,  # where it starts
        _CODE_ADDRESS,
        resources_address,
        _IMAGE_BASE,
        _SECTION_ALIGNMENT,
        _FILE_ALIGNMENT,
        *(6, 0, 0, 0, 6, 0),  # versions of Windows, of the image, of the subsystem
        0,
        image_length,
        _HEADERS_LENGTH,
        0,  # checksum: only drivers need one
        _WINDOWS_PROGRAM,
        0,
        *(0x100000, 0x1000, 0x100000, 0x1000),  # stack and heap
        0,
        _DIRECTORIES,
    )
    directories = [(0, 0)] * _DIRECTORIES
    directories[_RESOURCE_DIRECTORY] = (resources_address, resources_length)
    optional_header += b"".join(struct.pack("<II", *directory) for directory in directories)
    sections = _section(b".text", code, _CODE_ADDRESS, _HEADERS_LENGTH, _CODE_SECTION)
    sections += _section(
        b".rsrc", resources, resources_address, _HEADERS_LENGTH + len(code), _DATA_SECTION
    )
    headers = (dos + file_header + optional_header + sections).ljust(_HEADERS_LENGTH, b"\0")
    return headers + code + resources


def _section(name: bytes, content: bytes, address: int, place: int, kind: int) -> bytes:
    length = len(content)
    return struct.pack("<8sIIII12xI", name, length, address, length, place, kind)


def _aligned(content: bytes, alignment: int) -> bytes:
    return content + bytes(-len(content) % alignment)


_DATA_ENTRY_AT = 3 * (16 + 8)  # behind three levels: type, name, language


def _resources(version_information: bytes) -> bytes:
    """Return a resource tree with one leaf; its address still counts from the section."""
    levels = b""
    for depth, identifier in enumerate((_VERSION_RESOURCE, 1, _DUTCH)):
        below = (depth + 1) * (16 + 8)
        is_directory = 0 if depth == 2 else 0x80000000
        levels += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1)
        levels += struct.pack("<II", identifier, below | is_directory)
    place = _DATA_ENTRY_AT + 16
    return (
        levels + struct.pack("<IIII", place, len(version_information), 0, 0) + version_information
    )


def _relocated(resources: bytes, address: int) -> bytes:
    (place,) = struct.unpack_from("<I", resources, _DATA_ENTRY_AT)
    moved = struct.pack("<I", place + address)
    return resources[:_DATA_ENTRY_AT] + moved + resources[_DATA_ENTRY_AT + 4 :]


def _version_information(version: str, texts: dict[str, str]) -> bytes:
    major, minor, patch, build = (int(part) for part in version.split("."))
    number = (major << 16 | minor, patch << 16 | build)
    fixed = struct.pack(
        "<13I",
        0xFEEF04BD,
        0x00010000,
        *number,  # of the file
        *number,  # of the product
        0x3F,
        0,
        0x00040004,  # for 32-bit Windows
        1,  # a program
        0,
        0,
        0,
    )
    strings = [_block(name, text, []) for name, text in texts.items()]
    table = _block(f"{_DUTCH:04X}{_WINDOWS_1252:04X}", "", strings)
    translation = _block("Translation", struct.pack("<HH", _DUTCH, _WINDOWS_1252), [])
    children = [_block("StringFileInfo", "", [table]), _block("VarFileInfo", "", [translation])]
    return _block("VS_VERSION_INFO", fixed, children)


def _block(key: str, value: str | bytes, children: list[bytes]) -> bytes:
    """Return one block of version information; a text's length counts characters, not bytes."""
    is_text = isinstance(value, str)
    if isinstance(value, bytes):
        content, value_length = value, len(value)
    elif value:
        content, value_length = (value + "\0").encode("utf-16-le"), len(value) + 1
    else:
        content, value_length = b"", 0
    # Every part starts at a multiple of four from the beginning of the resource.
    head = 6 + len(key.encode("utf-16-le")) + 2
    body = bytes(-head % 4) + content
    for child in children:
        body += bytes(-(head + len(body)) % 4) + child
    length = head + len(body)
    start = struct.pack("<HHH", length, value_length, int(is_text))
    return start + (key + "\0").encode("utf-16-le") + body
