"""Texts of the mesh's ConfigMaps."""

from __future__ import annotations

import re

from sandbox.cluster.mesh.texts import kiali_config, make_certificate


def test_kialis_key_is_another_one_each_time() -> None:
    """And nothing else of its text."""
    one, other = kiali_config(), kiali_config()
    assert one != other
    blank = re.compile(r'signing_key: "[A-Za-z0-9]{10}"')
    assert blank.sub("", one) == blank.sub("", other)


def test_a_certificate_is_another_one_each_time() -> None:
    """In the letters of base64."""
    one, other = make_certificate(), make_certificate()
    assert one != other
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", one)
