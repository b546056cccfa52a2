from __future__ import annotations

from pathlib import Path

import yaml

from sandbox.slack.workspace.cast import Cast, Person


def test_the_cast_has_the_manifests_scopes(project_root: Path) -> None:
    """The stand-in's token can do what the real app's can, no more."""
    manifest = yaml.safe_load((project_root / "manifests" / "slack-app.yaml").read_text())
    assert sorted(Cast().app.scopes) == sorted(manifest["oauth_config"]["scopes"]["bot"])


def test_people_are_found_by_name_and_by_id() -> None:
    """Tests may call people by name."""
    cast = Cast().with_people(Person("U0EVE00005", "eve", "Eve Outsider", team="T0OUTSIDE1"))
    assert cast.person("eve") == cast.person("U0EVE00005")
    assert cast.person("mallory") is None
