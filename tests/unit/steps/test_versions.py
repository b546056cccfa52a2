"""Versions and image references."""

from __future__ import annotations

import pytest

from steps.versions import parse_asm_version, parse_image, read_minor_version


def test_builds_are_compared_as_numbers() -> None:
    """asm.4 comes before asm.18."""
    early, late = parse_asm_version("1.4.10-asm.4"), parse_asm_version("1.4.10-asm.18")
    assert early is not None
    assert late is not None
    assert early < late


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.4.7-asm.0", "1.4.7-asm.0"),
        ("1.6.11-asm.1-586f7040e4f8ae0f3be5a1bd0d8a7d71e3b5f2c1", "1.6.11-asm.1"),
        ("1.4.10-asm.18-distroless", "1.4.10-asm.18"),
        ("v1.4.10-asm.18", "1.4.10-asm.18"),
    ],
)
def test_a_version_is_read_with_what_hangs_on_it(text: str, expected: str) -> None:
    """A variant or a hash behind the version is left out."""
    assert str(parse_asm_version(text)) == expected


@pytest.mark.parametrize("text", ["1.4.10", "latest", "", "1.4-asm.1", "1.4.10-rc.1"])
def test_what_is_no_asm_version_is_none(text: str) -> None:
    """Open-source tags and words are not ASM versions."""
    assert parse_asm_version(text) is None


@pytest.mark.parametrize(
    ("image", "repository", "tag", "digest"),
    [
        ("gcr.io/gke-release/asm/proxyv2:1.4.9-asm.1", "gcr.io/gke-release/asm/proxyv2", "1.4.9-asm.1", ""),
        ("mirror:5000/asm/proxyv2", "mirror:5000/asm/proxyv2", "", ""),
        ("mirror:5000/asm/proxyv2:1.4.9-asm.1", "mirror:5000/asm/proxyv2", "1.4.9-asm.1", ""),
        ("gcr.io/asm/pilot@sha256:ab", "gcr.io/asm/pilot", "", "sha256:ab"),
        ("gcr.io/asm/pilot:1.4.7-asm.0@sha256:ab", "gcr.io/asm/pilot", "1.4.7-asm.0", "sha256:ab"),
        ("proxyv2", "proxyv2", "", ""),
    ],
)
def test_an_image_is_split_into_its_parts(image: str, repository: str, tag: str, digest: str) -> None:
    """Ports are no tags, digests are cut off first."""
    parts = parse_image(image)
    assert (parts.repository, parts.tag, parts.digest) == (repository, tag, digest)


def test_the_hub_is_what_stands_before_the_name() -> None:
    """gcr.io/gke-release/asm of proxyv2."""
    image = parse_image("gcr.io/gke-release/asm/proxyv2:1.4.9-asm.1")
    assert (image.hub, image.name) == ("gcr.io/gke-release/asm", "proxyv2")


def test_the_minor_version_of_a_server() -> None:
    """GKE's suffix is left out."""
    assert read_minor_version("v1.16.15-gke.6000") == "1.16"
