import ipaddress

import pytest

from providers.http.addresses import AddressPolicy

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
REFUSED = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b::c058:6301",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert AddressPolicy().allows(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", REFUSED)
def test_refused_addresses(address: str) -> None:
    assert not AddressPolicy().allows(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("128.0.0.1", True),
        ("fd00::1", True),
        ("::1", False),
        ("10.0.0.1", False),
        ("fd01::1", False),
    ],
)
def test_private_networks_that_the_operator_allows(address: str, allowed: bool) -> None:
    policy = AddressPolicy([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd00::/16")])
    assert policy.allows(ipaddress.ip_address(address)) is allowed


@pytest.mark.parametrize("port", [80, 443, 1024, 8443, 65535])
def test_ports_of_the_web_and_free_ports(port: int) -> None:
    assert AddressPolicy().allows(ipaddress.ip_address("1.1.1.1"), port)


@pytest.mark.parametrize("port", [1, 22, 25, 53, 110, 389, 445, 587, 993, 1023])
def test_other_ports_below_1024_are_refused_except_in_networks_that_the_operator_allows(port: int) -> None:
    policy = AddressPolicy([ipaddress.ip_network("10.0.0.0/8")])
    assert not policy.allows(ipaddress.ip_address("1.1.1.1"), port)
    assert policy.allows(ipaddress.ip_address("10.0.0.1"), port)


def test_the_policy_agrees_with_python_where_python_refuses_a_public_looking_address() -> None:
    policy = AddressPolicy()
    for first in range(256):
        for second in (0, 18, 88, 168, 254):
            address = ipaddress.ip_address(f"{first}.{second}.0.1")
            assert address.is_global or not policy.allows(address), address
