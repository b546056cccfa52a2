"""What of a record goes to Slack."""

from __future__ import annotations

import yaml

from steps.contract.record import Record
from steps.install.record.preview import KEPT_BACK, write_manifest
from tests.unit.steps.paper_records import record_objects


def record_secret(**parts: dict[str, str]) -> Record:
    """A record of a Secret alone."""
    metadata = {"name": "a", "namespace": "istio-system"}
    return record_objects([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts}])


def test_a_secret_is_attached_without_what_it_holds() -> None:
    """In either form; what it is called stays."""
    text = write_manifest(record_secret(data={"key.pem": "c2VjcmV0"}, stringData={"word": "secret"}))
    assert "secret" not in text
    assert "c2VjcmV0" not in text
    (made,) = yaml.safe_load_all(text)
    assert (made["data"], made["stringData"]) == ({"key.pem": KEPT_BACK}, {"word": KEPT_BACK})


def test_a_secret_that_holds_nothing_is_attached_as_it_is() -> None:
    """Nothing is added to it."""
    (made,) = yaml.safe_load_all(write_manifest(record_secret()))
    assert "data" not in made
