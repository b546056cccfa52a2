"""The roles of the bot's account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.seeds.account_roles import account_roles
from sandbox.cluster.server.authorization import BOT_ACCOUNT, Attributes, User

PLACEHOLDER = "asm-upgrade-bot@PROJECT_ID.iam.gserviceaccount.com"


def test_the_roles_are_those_of_the_manifests(project_root: Path) -> None:
    """What the sandbox shows to be enough is what people apply."""
    folder = project_root / "manifests" / "target-cluster"
    files = [folder / name for name in ("viewer.yaml", "operator.yaml")]
    shipped = [made for file in files for made in yaml.safe_load_all(file.read_text())]
    assert _spell_out(shipped) == _spell_out(account_roles(PLACEHOLDER))


def test_the_account_has_no_other_rights() -> None:
    """IAM adds nothing where the roles are."""
    cluster = SimulatedCluster(lambda: 1_800_000_000.0)
    account = User(BOT_ACCOUNT)
    assert cluster.authorizer.allows(account, Attributes("list", "", "services", namespace="shop"))
    assert not cluster.authorizer.allows(account, Attributes("list", "", "secrets", namespace="shop"))
    assert not cluster.authorizer.allows(account, Attributes("create", "", "namespaces"))


def _spell_out(objects: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Objects with each rule as the triples that it allows."""
    return sorted(
        (one["kind"], one["metadata"]["name"], str(one.get("roleRef")), str(one.get("subjects")), *_allow(one))
        for one in objects
    )


def _allow(role: dict[str, Any]) -> list[str]:
    return sorted(
        f"{verb} {group}/{resource} {rule.get('resourceNames')}"
        for rule in role.get("rules") or ()
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    )
