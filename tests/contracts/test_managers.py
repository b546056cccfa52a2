"""Who set which field: server-side apply, and when a ConfigMap or Secret was last changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import config

APPLY = "application/apply-patch+yaml"


def change(ground: Ground, space: str, manager: str, **texts: str) -> None:
    path = f"/api/v1/namespaces/{space}/configmaps/settings"
    assert ground.send("PATCH", path, {"data": texts}, MERGE, fieldManager=manager).status_code == 200


def read_date(ground: Ground, space: str, kind: str = "ConfigMap", name: str = "settings") -> datetime:
    return ground.gateway.list_changes(space)[(space, kind, name)]


def test_new_config_maps_and_secrets_are_dated(ground: Ground) -> None:
    """By metadata alone."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"), config("Secret", space, "keys", k="s"))
    assert abs(read_date(ground, space) - read_date(ground, space, "Secret", "keys")) < timedelta(minutes=1)


def test_somebody_elses_change_moves_the_date_on(ground: Ground) -> None:
    """A restart would pick it up."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"))
    first = read_date(ground, space)
    ground.pause(1.2)
    change(ground, space, "somebody", a="2")
    assert read_date(ground, space) > first


def test_a_new_field_moves_the_date_on(ground: Ground) -> None:
    """Also by the manager of the others."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"))
    change(ground, space, "editor", a="2")
    first = read_date(ground, space)
    ground.pause(1.2)
    change(ground, space, "editor", b="1")
    assert read_date(ground, space) > first


def test_a_new_value_by_the_same_manager_leaves_the_date(ground: Ground) -> None:
    """What Kubernetes 1.20 does, so such a change can't be told by dates."""
    if not ground.gateway.read_server_version().startswith("v1.20."):
        ground.need("a server of Kubernetes 1.20")
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"))
    change(ground, space, "editor", a="2")
    first = read_date(ground, space)
    ground.pause(1.2)
    change(ground, space, "editor", a="3")
    assert read_date(ground, space) == first


def test_apply_keeps_what_others_set(ground: Ground) -> None:
    """Server-side apply owns only what it names, and takes away what it names no longer."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", theirs="1"))
    ground.gateway.apply_object(config("ConfigMap", space, "settings", ours="2"))
    assert ground.gateway.read_config_map(space, "settings") == {"theirs": "1", "ours": "2"}
    ground.gateway.apply_object(config("ConfigMap", space, "settings"))
    assert ground.gateway.read_config_map(space, "settings") == {"theirs": "1"}


def test_apply_without_force_meets_a_conflict(ground: Ground) -> None:
    """409 names another manager and the field; the real server may name its creator or who changed it last."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"))
    change(ground, space, "somebody", a="2")
    path = f"/api/v1/namespaces/{space}/configmaps/settings"
    answer = ground.send("PATCH", path, config("ConfigMap", space, "settings", a="3"), APPLY, fieldManager="me")
    assert answer.status_code == 409
    causes = [(cause["reason"], cause["field"], cause["message"]) for cause in answer.json()["details"]["causes"]]
    assert ("FieldManagerConflict", ".data.a", 'conflict with "somebody" using v1') in causes


def test_apply_with_force_takes_the_field(ground: Ground) -> None:
    """As the bot applies an approved policy."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"))
    change(ground, space, "somebody", a="2")
    ground.gateway.apply_object(config("ConfigMap", space, "settings", a="3"))
    assert ground.gateway.read_config_map(space, "settings") == {"a": "3"}
