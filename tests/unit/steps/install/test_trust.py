"""What an apply does to identities."""

from __future__ import annotations

from steps.install.trust import TrustDomains, describe_trust_change, read_trust_domains
from tests.unit.steps.install.test_policies import policy

POOL = "example-project.svc.id.goog"


def test_trust_domains_are_read_from_the_mesh_config() -> None:
    """An absent alias list is none."""
    assert read_trust_domains({"trustDomain": POOL, "trustDomainAliases": None}) == TrustDomains(POOL)


def test_the_same_domains_are_no_change() -> None:
    """Nothing to stop for."""
    assert describe_trust_change([policy(["x/ns/a/sa/b"])], TrustDomains(POOL), TrustDomains(POOL)) == ("", "")


def test_another_domain_stops_the_apply() -> None:
    """Every identity changes with it."""
    why, _ = describe_trust_change([], TrustDomains("cluster.local"), TrustDomains(POOL))
    assert (
        why == f"the apply would change the mesh's trust domain from cluster.local to {POOL} and every identity with it"
    )


def test_a_dropped_alias_stops_where_a_policy_uses_it() -> None:
    """The policies are named."""
    before = TrustDomains(POOL, ("old.example",))
    why, _ = describe_trust_change([policy(["old.example/ns/a/sa/b"])], before, TrustDomains(POOL))
    assert "drop the trust domain alias old.example" in why
    assert "AuthorizationPolicy shop/allow-web" in why


def test_a_dropped_alias_that_nobody_uses_is_fine() -> None:
    """No policy breaks."""
    before = TrustDomains(POOL, ("old.example",))
    assert describe_trust_change([policy(["cluster.local/ns/a/sa/b"])], before, TrustDomains(POOL)) == ("", "")


def test_a_policy_that_never_matched_is_not_broken_by_the_apply() -> None:
    """It is a finding of the authorization phase, not a reason to stop here."""
    before = TrustDomains(POOL, ("old.example",))
    policies = [policy(["other.example/ns/a/sa/b"])]
    assert describe_trust_change(policies, before, TrustDomains(POOL)) == ("", "")
