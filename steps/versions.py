"""Versions and image references, compared as numbers and never as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ASM = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)-asm\.(\d+)(?:[-+].*)?$")
_NUMBERS = re.compile(r"^v?(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, order=True)
class AsmVersion:
    """A version of ASM such as 1.4.10-asm.18; ordered by its four numbers."""

    major: int
    minor: int
    patch: int
    build: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}-asm.{self.build}"

    @property
    def base(self) -> tuple[int, int, int]:
        """The Istio version below it: (1, 4, 10)."""
        return (self.major, self.minor, self.patch)


def parse_asm_version(text: str) -> AsmVersion | None:
    """Read 1.4.10-asm.18, also with a variant or hash behind it (-distroless, -<sha>); None for anything else."""
    found = _ASM.match(text.strip())
    return AsmVersion(*(int(part) for part in found.groups())) if found else None


def parse_numbers(text: str) -> tuple[int, int, int] | None:
    """The first two or three numbers of a version (v1.16.15-gke.6000 is (1, 16, 15)); None where there are none."""
    found = _NUMBERS.match(text.strip())
    return tuple(int(part or 0) for part in found.groups()) if found else None  # type: ignore[return-value]


def read_minor_version(text: str) -> str:
    """The minor version, 1.16 of v1.16.15-gke.6000; the text itself where it can't be read."""
    numbers = parse_numbers(text)
    return f"{numbers[0]}.{numbers[1]}" if numbers else text


@dataclass(frozen=True)
class ImageReference:
    """An image split into its parts; `tag` and `digest` are "" where the image doesn't name them."""

    repository: str
    tag: str
    digest: str

    @property
    def hub(self) -> str:
        """Everything before the image's own name: gcr.io/gke-release/asm."""
        return self.repository.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The image's own name: proxyv2."""
        return self.repository.rpartition("/")[2]


def parse_image(image: str) -> ImageReference:
    """Split an image reference; a registry's port is not mistaken for a tag."""
    rest, _, digest = image.partition("@")
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return ImageReference(rest, "", digest)
    return ImageReference(head, tag, digest)


def read_tag(image: str) -> str:
    """The tag of an image, "" where it has none."""
    return parse_image(image).tag
