"""Authorization findings."""

from __future__ import annotations

from typing import Any

import pytest

from steps.install.policies import PolicyFinding, edit_policy, find_authorization_findings, read_trust_domain

POOL = "example-project.svc.id.goog"


def policy(principals: list[str] | None = None, name: str = "allow-web", **spec: Any) -> dict[str, Any]:
    """An AuthorizationPolicy of namespace shop."""
    rules = [{"from": [{"source": {"principals": principals}}]}] if principals is not None else []
    return {
        "apiVersion": "security.istio.io/v1beta1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": name, "namespace": "shop", "uid": "u", "resourceVersion": "7"},
        "spec": {"rules": rules, **spec},
    }


def binding(subjects: list[dict[str, Any]], namespace: str = "shop") -> dict[str, Any]:
    """A ServiceRoleBinding."""
    return {
        "apiVersion": "rbac.istio.io/v1alpha1",
        "kind": "ServiceRoleBinding",
        "metadata": {"name": "bind-web", "namespace": namespace},
        "spec": {"subjects": subjects, "roleRef": {"kind": "ServiceRole", "name": "web"}},
    }


def find(*objects: dict[str, Any], aliases: tuple[str, ...] = ()) -> tuple[PolicyFinding, ...]:
    """Findings for a mesh on the pool's trust domain."""
    return find_authorization_findings(objects, POOL, aliases)


@pytest.mark.parametrize(
    "principal",
    [
        "cluster.local/ns/shop/sa/web",
        f"{POOL}/ns/shop/sa/web",
        "*/ns/shop/sa/web",
        "*",
        "*/sa/web",
        f"{POOL}/*",
    ],
)
def test_principals_that_match_are_no_finding(principal: str) -> None:
    """Pilot reads cluster.local as the mesh's own trust domain; wildcards stand for any."""
    assert find(policy([principal])) == ()


def test_another_trust_domain_is_a_finding_with_its_replacement() -> None:
    """The object, the field and what to write."""
    (finding,) = find(policy(["cluster.local/ns/a/sa/b", "old.example/ns/shop/sa/web"]))
    assert finding.where == "AuthorizationPolicy shop/allow-web"
    assert finding.field == "spec.rules[0].from[0].source.principals[1]"
    assert finding.replacement == "cluster.local/ns/shop/sa/web"


def test_an_alias_is_no_finding() -> None:
    """Aliases are accepted like the domain itself."""
    assert find(policy(["old.example/ns/shop/sa/web"]), aliases=("old.example",)) == ()


def test_not_principals_count_too() -> None:
    """A deny list that matches nothing lets everybody in."""
    manifest = policy(rules=[{"from": [{"source": {"notPrincipals": ["old.example/ns/a/sa/b"]}}]}])
    assert find(manifest)[0].field == "spec.rules[0].from[0].source.notPrincipals[0]"


def test_conditions_on_the_principal_count_too() -> None:
    """when source.principal."""
    manifest = policy(rules=[{"when": [{"key": "source.principal", "values": ["old.example/ns/a/sa/b"]}]}])
    assert find(manifest)[0].field == "spec.rules[0].when[0].values[0]"


def test_other_conditions_are_left_alone() -> None:
    """request.headers and the like hold no principals."""
    manifest = policy(rules=[{"when": [{"key": "request.headers[x]", "values": ["old.example/ns/a/sa/b"]}]}])
    assert find(manifest) == ()


def test_a_principal_without_a_trust_domain_matches_nothing() -> None:
    """Such as a SPIFFE URI's tail or a bare account."""
    (finding,) = find(policy(["web"]))
    assert "TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT" in finding.change
    assert finding.replacement == ""


def test_service_role_binding_users_are_principals() -> None:
    """v1alpha1 is still honoured in 1.4."""
    (finding,) = find(binding([{"user": "old.example/ns/a/sa/b"}]))
    assert finding.field == "spec.subjects[0].user"


def test_names_are_not_rewritten() -> None:
    """cluster.local in names is compared as written, so the pool's domain is proposed."""
    (finding,) = find(binding([{"names": ["cluster.local/ns/a/sa/b"]}]))
    assert finding.replacement == f"{POOL}/ns/a/sa/b"


def test_a_beta_policy_overrides_the_alpha_binding_beside_it() -> None:
    """Told once, for the object as a whole."""
    (finding,) = find(policy(["*"]), binding([{"user": "*"}]))
    assert finding.path == ()
    assert "allow-web in the same namespace overrides it" in str(finding)


def test_a_beta_policy_elsewhere_overrides_nothing() -> None:
    """Namespaces are told apart."""
    assert find(policy(["*"]), binding([{"user": "*"}], namespace="data")) == ()


def test_policies_without_rules_are_fine() -> None:
    """A missing spec or rules is legal."""
    bare = {"apiVersion": "security.istio.io/v1beta1", "kind": "AuthorizationPolicy", "metadata": {"name": "x"}}
    assert find(bare) == ()


def test_an_edit_changes_only_the_value() -> None:
    """The rest of the spec stays, what the server wrote goes."""
    manifest = policy(["cluster.local/ns/a/sa/b", "old.example/ns/shop/sa/web"], selector={"matchLabels": {"app": "w"}})
    edited = edit_policy(manifest, find(manifest))
    principals = edited["spec"]["rules"][0]["from"][0]["source"]["principals"]
    assert principals == ["cluster.local/ns/a/sa/b", "cluster.local/ns/shop/sa/web"]
    assert edited["metadata"] == {"name": "allow-web", "namespace": "shop"}
    assert edited["spec"]["selector"] == {"matchLabels": {"app": "w"}}


def test_an_edit_leaves_the_original_alone() -> None:
    """Findings are read again from the live object later."""
    manifest = policy(["old.example/ns/shop/sa/web"])
    edit_policy(manifest, find(manifest))
    assert manifest["spec"]["rules"][0]["from"][0]["source"]["principals"] == ["old.example/ns/shop/sa/web"]


def test_an_edited_policy_has_no_finding() -> None:
    """The proposal mends what it is made for."""
    manifest = policy(["old.example/ns/shop/sa/web"])
    assert find(edit_policy(manifest, find(manifest))) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("principal", "domain"),
    [("a.b/ns/x/sa/y", "a.b"), ("*/ns/x/sa/y", "*"), ("*", "*"), ("web", ""), ("a.b/*", "*"), ("*.b/ns/x/sa/y", "*")],
)
def test_the_trust_domain_stands_before_ns(principal: str, domain: str) -> None:
    """A wildcard in it is a wildcard."""
    assert read_trust_domain(principal) == domain
