"""Where keys may be sent: a table of addresses and URLs that lead inside, in every disguise we know."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from unkey_sync.handover.addresses import is_public
from unkey_sync.handover.target import Reach, Refused, check_target

REACH = Reach()
DEV = Reach(allow_loopback=True)

REFUSED = [
    "http://example.com/keys",
    "ftp://example.com/keys",
    "file:///etc/passwd",
    "gopher://example.com:70/_",
    "//example.com/keys",
    "example.com/keys",
    "https://",
    "https:///keys",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@169.254.169.254/",
    "https://example.com/#fragment",
    "https://example.com:6379/",
    "https://example.com:80/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:port/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://169.254.169.254/latest/meta-data/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.0.0.192/",
    "https://192.168.1.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::ffff:0:10.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[2606:4700::5efe:a00:1]/",
    "https://[2001:db8::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[ff02::1]/",
    "https://[::1/",
    "https://b\u00fccher.example/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://exa\u3002mple.com/",
    "https://example.com\\@127.0.0.1/",
    "https://exam ple.com/",
    "https://example.com/\r\nHost: evil",
    "https://-example.com/",
    "https://example..com/",
    "https://exa%6dple.com/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_does_not_plainly_lead_outside_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        check_target(url, REACH)

    assert url not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.com/keys?tenant=1", "example.com", 443),
        ("https://EXAMPLE.com:443", "example.com", 443),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("https://hooks_1.example.com/", "hooks_1.example.com", 443),
        ("https://93.184.216.34/keys", "93.184.216.34", 443),
        ("https://[2606:4700::6810:84e5]/", "2606:4700::6810:84e5", 443),
        ("https://[64:ff9b::5db8:d822]/", "64:ff9b::5db8:d822", 443),
    ],
)
def test_a_url_that_leads_outside_is_taken(url: str, host: str, port: int) -> None:
    target = check_target(url, REACH)

    assert (target.host, target.port, target.secure) == (host, port, True)


def test_a_target_does_not_show_its_url() -> None:
    target = check_target("https://example.com/?token=secret", REACH)

    assert "secret" not in repr(target)


def test_another_port_must_be_allowed() -> None:
    assert check_target("https://example.com:8443/", Reach(ports=frozenset({443, 8443}))).port == 8443


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/keys", "http://localhost:3000/", "https://[::1]:9/"])
def test_development_may_send_to_this_machine(url: str) -> None:
    assert check_target(url, DEV).url == url


@pytest.mark.parametrize("url", ["http://10.0.0.1:8000/", "http://169.254.169.254/", "http://93.184.216.34/"])
def test_development_may_not_send_anywhere_else_in_the_clear(url: str) -> None:
    with pytest.raises(Refused):
        check_target(url, DEV)


def test_one_closed_address_among_public_ones_is_enough_to_refuse() -> None:
    mixed = [ip_address("93.184.216.34"), ip_address("10.0.0.1")]

    with pytest.raises(Refused):
        REACH.choose(mixed, secure=True)


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(Refused):
        REACH.choose([], secure=True)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2a00::1"]
)
def test_public_addresses_are_public_in_every_form(text: str) -> None:
    assert is_public(ip_address(text))
