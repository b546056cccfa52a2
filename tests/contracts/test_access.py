"""Who the bot is, what it may do, and its binding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from steps.contract.errors import GiveUp
from steps.mesh import Binding, Right
from tests.contracts.ground import Ground
from tests.contracts.shapes import deployment, named
from tests.realcluster.control_plane import BOT_USER

BINDING = Binding("cluster-admin-binding-asm-upgrade-bot", "cluster-admin", (BOT_USER,))
RIGHTS = (
    Right("list", "pods"),
    Right("create", "pods", subresource="eviction"),
    Right("patch", "deployments", "apps", "default"),
    Right("*", "*", "*"),
)


@pytest.fixture(autouse=True)
def unbound(ground: Ground) -> Iterator[None]:
    """Leave no binding behind."""
    yield
    ground.gateway.delete_binding(BINDING.name)
    if "bot" in ground.powers:
        ground.until(lambda: ground.bot.find_missing_rights(RIGHTS) == RIGHTS)


def test_the_account_is_known_by_its_name(ground: Ground) -> None:
    """Also without any right."""
    ground.need("bot")
    assert ground.bot.read_account() == BOT_USER


def test_rights_come_and_go_with_the_binding(ground: Ground) -> None:
    """SelfSubjectAccessReview follows RBAC."""
    ground.need("bot")
    ground.until(lambda: ground.bot.find_missing_rights(RIGHTS) == RIGHTS)
    ground.gateway.create_binding(BINDING)
    ground.until(lambda: ground.bot.find_missing_rights(RIGHTS) == ())
    ground.gateway.delete_binding(BINDING.name)
    ground.until(lambda: ground.bot.find_missing_rights(RIGHTS) == RIGHTS)


def test_whom_the_account_may_act_for_is_asked_about_by_acting_for_them(ground: Ground) -> None:
    """An administrator may act for anybody, an account without rights for nobody."""
    ground.need("bot")
    ground.gateway.create_binding(replace(BINDING, users=("somebody-else",)))
    ground.until(lambda: ground.gateway.find_missing_rights_of("somebody-else", RIGHTS) == ())
    assert ground.gateway.find_missing_rights_of("nobody", RIGHTS) == RIGHTS
    assert ground.bot.find_missing_rights_of("nobody", RIGHTS) is None


def test_an_administrator_lacks_nothing(ground: Ground) -> None:
    """Stars included."""
    assert ground.gateway.find_missing_rights(RIGHTS) == ()


def test_a_refusal_names_account_and_remedy(ground: Ground) -> None:
    """403 becomes a command to paste."""
    ground.need("bot")
    space = ground.make_space()
    ground.create(deployment(space, replicas=0))
    with pytest.raises(GiveUp, match="answered 403") as raised:
        ground.bot.restart_workload(named(space), "2026-03-02T09:00:00Z")
    assert f"gives {BOT_USER} a role" in raised.value.remedy


def test_a_binding_is_read_back(ground: Ground) -> None:
    """Role and users; None where it is absent."""
    assert ground.gateway.read_binding(BINDING.name) is None
    ground.gateway.create_binding(BINDING)
    assert ground.gateway.read_binding(BINDING.name) == BINDING


def test_the_same_binding_twice_is_fine(ground: Ground) -> None:
    """Repeating after a crash does no harm, and so does deleting twice."""
    ground.gateway.create_binding(BINDING)
    ground.gateway.create_binding(BINDING)
    ground.gateway.delete_binding(BINDING.name)
    ground.gateway.delete_binding(BINDING.name)


def test_somebody_elses_binding_is_never_edited(ground: Ground) -> None:
    """Another content under the name is refused."""
    ground.gateway.create_binding(Binding(BINDING.name, "cluster-admin", ("somebody@example.com",)))
    with pytest.raises(GiveUp, match="other content"):
        ground.gateway.create_binding(BINDING)


def test_what_was_bound_can_work(ground: Ground) -> None:
    """The bot restarts a workload with its binding."""
    ground.need("bot")
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.gateway.create_binding(BINDING)
    ground.until(lambda: ground.bot.find_missing_rights(RIGHTS) == ())
    ground.bot.restart_workload(named(space), "2026-03-02T09:00:00Z")
    assert ground.settle(named(space)).restarted_at == "2026-03-02T09:00:00Z"
