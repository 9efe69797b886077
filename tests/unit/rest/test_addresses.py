from __future__ import annotations

import pytest

from workers.rest.addresses import Standing, standing

SPECIAL = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("168.63.129.16", "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.171"),
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::8.8.8.8", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:0:8.8.8.8"),
    *("64:ff9b::8.8.8.8", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378::1"),
    *("2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:a9fe:a9fe::1", "2002:808:808::1"),
    *("3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1"),
    *("4000::1", "2606:4700::1111%eth0", "", "localhost", "127.1", "0x7f.1", "2130706433", "8.8.8.8/32"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1"),
    *("169.253.255.255", "223.255.255.255", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450:4001::200e"),
    *("2001:4860:4860::8888", "2001:200::1", "2003::1"),
]
LOOPBACK = ["127.0.0.1", "127.0.0.53", "127.255.255.255", "::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_is_never_public(address: str) -> None:
    assert standing(address) is Standing.SPECIAL


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_dialled(address: str) -> None:
    assert standing(address) is Standing.PUBLIC


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_told_apart(address: str) -> None:
    assert standing(address) is Standing.LOOPBACK
