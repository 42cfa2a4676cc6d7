"""Mail addresses that somebody typed."""

from __future__ import annotations

import pytest

from avplugin.errors import UsageError
from avplugin.mail.addresses import check_addresses


@pytest.mark.parametrize(
    "address", ["a@b.nl", "jan.de-boer+av@sub.kantoor.nl", "o'neil@x.nl", "root@localhost"]
)
def test_a_plain_address_is_one(address: str) -> None:
    assert check_addresses([address, address]) == (address,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jan",
        "@b.nl",
        "a@",
        "a@b@c.nl",
        "a b@c.nl",
        "a@b.nl\n",
        "a@b.nl\r\nBcc: c@d.nl",
        "a@b.nl, c@d.nl",
        "a,c@d.nl",
        "a;c@d.nl",
        '"a,c"@d.nl',
        "Jan <a@b.nl>",
        "a@b..nl",
        "a@-b.nl",
        ".a@b.nl",
        "jan@kantöor.nl",
        "a" * 65 + "@b.nl",
        "a@" + ".".join(["b" * 60] * 5),
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="is no address such as"):
        check_addresses(["a@b.nl", text])
