"""The two settings of the way out of the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings.way_out import STRAIGHT, WayOut, parse_way_out

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "proxy", ["http://proxy.example.com:3128", "http://bot:secret@10.0.0.1:3128/", "https://[::1]:3128"]
)
def test_an_address_is_taken(proxy: str) -> None:
    """With or without a name and a password."""
    assert parse_way_out(proxy, "") == (WayOut(proxy), [])


@pytest.mark.parametrize(
    "proxy", ["proxy.example.com:3128", "http://proxy", "socks5://a:1", "http://a:b", "http://a:1/path"]
)
def test_what_is_no_address_is_told(proxy: str) -> None:
    """With one that is right."""
    (fault,) = parse_way_out(proxy, "")[1]
    assert fault.startswith("ASM_UPGRADE_PROXY is ")
    assert "http://proxy.example.com:3128" in fault


def test_a_password_is_not_repeated() -> None:
    """A fault goes into logs."""
    (fault,) = parse_way_out("http://bot:secret@proxy", "")[1]
    assert "secret" not in fault


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "can't be read"), (b"\x30\x82\xff", "not PEM"), (b"-----BEGIN PRIVATE KEY-----", "holds no certificate")],
)
def test_a_file_without_a_certificate_is_told(tmp_path: Path, content: bytes | None, told: str) -> None:
    """With what it is."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    (fault,) = parse_way_out("", str(file))[1]
    assert told in fault


def test_nothing_set_is_the_straight_way() -> None:
    """As before."""
    assert parse_way_out("", "") == (STRAIGHT, [])


def test_a_file_of_certificates_is_taken(tmp_path: Path) -> None:
    """By its path."""
    file = tmp_path / "ca.pem"
    file.write_text(CERTIFICATE)
    assert parse_way_out("", str(file)) == (WayOut("", file), [])
