"""No secret lies in a backup, and no card says that one does."""

from __future__ import annotations

from typing import cast

import pytest

from steps.contract.ports import Kubernetes, Manifest
from steps.phases.control_plane.approvals import describe_copies, warn_of_removals
from steps.phases.control_plane.backup import dump_objects, read_backup, strip_object
from tests.unit.steps.paper_ports import PaperKubernetes

HELD = "c2VjcmV0"
SECRET: Manifest = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "Opaque",
    "metadata": {
        "name": "kiali",
        "namespace": "istio-system",
        "uid": "u",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": HELD, "team": "mesh"},
    },
    "data": {"key": HELD},
    "stringData": {"other": HELD},
}
MAP: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio"}, "data": {"mesh": HELD}}


def test_a_secret_is_kept_without_what_it_holds() -> None:
    """Its keys stay, so that a person knows what to bring back."""
    kept = strip_object(SECRET)
    assert HELD not in dump_objects([kept])
    assert kept["metadata"]["annotations"] == {"team": "mesh", "asm-upgrade-bot/left-out": "key, other"}
    assert kept["type"] == "Opaque"


def test_a_secret_without_anything_is_kept() -> None:
    """Whatever of it is missing."""
    bare = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "annotations": None}, "data": None}
    assert strip_object(bare)["metadata"]["annotations"] == {"asm-upgrade-bot/left-out": ""}


def test_any_other_object_is_kept_whole() -> None:
    """A ConfigMap is needed for the way back."""
    assert strip_object(MAP) == MAP


def test_a_list_of_secrets_is_kept_so_too() -> None:
    """Whichever way one comes into the backup."""
    cluster = cast(Kubernetes, PaperKubernetes(objects=[SECRET]))
    text, count = read_backup(cluster, ("v1", "Secret", "istio-system"))
    assert (count, HELD in text) == (1, False)


@pytest.mark.parametrize(
    ("removals", "copies", "warning"),
    [
        (
            ("Service istio-system/kiali",),
            "keeps a copy of each",
            ", where what is removed comes back only from the backup?",
        ),
        (
            ("Service istio-system/kiali", "Secret istio-system/kiali"),
            "keeps a copy of each, but nothing of what Secrets hold",
            ", where what a Secret holds comes back from nowhere, the rest from the backup?",
        ),
    ],
)
def test_the_card_promises_no_copy_of_a_secret(removals: tuple[str, ...], copies: str, warning: str) -> None:
    """Neither in its words nor at its button."""
    assert describe_copies(removals) == copies
    assert warn_of_removals(removals) == warning
