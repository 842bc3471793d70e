"""Addresses that no teacher may be at, and the rule against each; what their names resolve to."""

from collections.abc import Mapping, Sequence

from app.llm.addresses import Rule

# What a hostile resolver answers; every other name has a public address.
ANSWERS: Mapping[str, Sequence[str]] = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.localdomain": ["127.0.0.1"],
    "127.0.0.1.nip.io": ["127.0.0.1"],
    "localtest.me": ["::1"],
    "10.0.0.5.nip.io": ["10.0.0.5"],
    "intranet.example": ["192.168.7.7"],
    "lan6.example": ["fd12:3456::7"],
    "169.254.169.254.nip.io": ["169.254.169.254"],
    "meta6.example": ["fd00:ec2::254"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "mixed6.example": ["2606:2800:220:1:248:1893:25c8:1946", "fe80::1"],
    "mapped.example": ["::ffff:10.0.0.5"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::1"],
    "zero.example": ["0.0.0.0"],  # noqa: S104
    "cgnat.example": ["100.64.3.4"],
    "multicast.example": ["224.0.0.1"],
    "broadcast.example": ["255.255.255.255"],
    "xn--lcalhost-b1a.example": ["127.0.0.1"],
}
PUBLIC = ["93.184.216.34"]
_AMBIGUOUS = (
    "https://0x7f000001/v1", "https://2130706433/v1", "https://2852039166/v1",
    "https://0xa9fea9fe/v1", "https://017700000001/v1", "https://0177.0.0.1/v1",
    "https://0x7f.0.0.1/v1", "https://127.1/v1", "https://127.0.1/v1", "https://0/v1",
    "https://127.0.0.01/v1", "https://127.0.0.1./v1", "https://169.254.169.254./v1",
    "https://169.254.43518/v1", "https://0251.0376.0251.0376/v1", "https://256.256.256.256/v1",
    "https://1.2.3.4.5/v1", "https://127.0.0.0x1/v1", "https://example.com./v1",
    "https://127\u30020\u30020\u30021/v1", "https://\uff11\uff12\uff17.0.0.1/v1", "https://\u24dbocalhost/v1",
    "https://loc\u0430lhost/v1", "https://127%2e0%2e0%2e1/v1", "https://localhost%00.example.com/v1",
    "https://exa mple.com/v1", "https://example.com\\@127.0.0.1/v1", "https://[::1%25lo]/v1",
    "https://[fe80::1%25eth0]/v1", "https://[127.0.0.1]/v1", "https://[::1/v1",
    "https://-example.com/v1", "https://exam..ple/v1", "https://a,b.example/v1",
    "https://*.example.com/v1", "https://" + "a" * 64 + ".example/v1",
    "https://" + "a." * 127 + "example/v1",
)  # fmt: skip
_OTHERS: Mapping[Rule, Sequence[str]] = {
    Rule.METADATA: (
        "https://169.254.169.254/latest/meta-data", "http://169.254.169.254/v1",
        "https://169.254.170.2/v1", "https://100.100.100.200/v1", "https://168.63.129.16/v1",
        "https://192.0.0.192/v1", "https://[fd00:ec2::254]/v1", "https://[fd20:ce::254]/v1",
        "https://metadata.google.internal/v1", "https://METADATA.google.internal/v1",
        "https://metadata/v1", "https://instance-data/v1", "https://169.254.169.254.nip.io/v1",
        "https://meta6.example/v1", "https://[64:ff9b::a9fe:a9fe]/v1",
    ),
    Rule.LINK_LOCAL: (
        "https://169.254.1.1/v1", "https://[fe80::1]/v1", "https://mixed6.example/v1",
    ),
    Rule.SHARED: ("https://100.64.0.1/v1", "https://cgnat.example/v1"),
    Rule.UNSPECIFIED: ("https://0.0.0.0/v1", "https://0.1.2.3/v1", "https://[::]/v1",
                       "https://zero.example/v1"),
    Rule.TRANSLATED: (
        "https://[::ffff:127.0.0.1]/v1", "https://[::ffff:169.254.169.254]/v1",
        "https://[::ffff:7f00:1]/v1", "https://[::127.0.0.1]/v1", "https://[2002:7f00:1::]/v1",
        "https://[2001::1]/v1", "https://mapped.example/v1", "https://sixtofour.example/v1",
    ),
    Rule.RESERVED: (
        "https://224.0.0.1/v1", "https://255.255.255.255/v1", "https://240.0.0.1/v1",
        "https://192.0.2.1/v1", "https://198.18.0.1/v1", "https://203.0.113.9/v1",
        "https://[ff02::1]/v1", "https://[2001:db8::1]/v1", "https://[fec0::1]/v1",
        "https://multicast.example/v1", "https://broadcast.example/v1",
    ),
    Rule.LOOPBACK: (
        "https://127.0.0.1/v1", "http://127.0.0.1:8080/v1", "https://127.8.9.1/v1",
        "https://[::1]/v1", "https://[0:0:0:0:0:0:0:1]/v1", "https://localhost/v1",
        "https://LOCALHOST:6379/v1", "https://localhost.localdomain/v1",
        "https://127.0.0.1.nip.io/v1", "https://localtest.me/v1", "https://mixed.example/v1",
        "https://nat64.example/v1", "https://xn--lcalhost-b1a.example/v1",
    ),
    Rule.PRIVATE: (
        "https://10.0.0.5/v1", "https://172.16.0.1/v1", "https://172.31.255.255/v1",
        "https://192.168.0.1/v1", "https://[fc00::1]/v1", "https://[fd12:3456::7]/v1",
        "https://10.0.0.5.nip.io/v1", "https://intranet.example/v1", "https://lan6.example/v1",
    ),
    Rule.NOT_HTTPS: ("http://93.184.216.34/v1", "http://api.example.com/v1"),
}  # fmt: skip
TABLE: Sequence[tuple[str, Rule]] = (
    *((url, Rule.AMBIGUOUS_HOST) for url in _AMBIGUOUS),
    *((url, rule) for rule, urls in _OTHERS.items() for url in urls),
)


async def answer(host: str, port: int) -> Sequence[str]:
    """Resolve as that resolver does."""
    return ANSWERS.get(host, PUBLIC)
