"""What an apply would do to identities: the mesh's trust domain and its aliases, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steps.contract.ports import Manifest
from steps.install.policies import find_authorization_findings, read_trust_domain, walk_principals


@dataclass(frozen=True)
class TrustDomains:
    """The trust domain of a mesh config, "" where it names none, and the aliases it accepts."""

    domain: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def all(self) -> frozenset[str]:
        """The domain and its aliases."""
        return frozenset(name for name in (self.domain, *self.aliases) if name)


def read_trust_domains(config: Mapping[str, object]) -> TrustDomains:
    """The trust domains of a mesh config (ConfigMap istio)."""
    aliases = config.get("trustDomainAliases")
    listed = tuple(str(alias) for alias in aliases) if isinstance(aliases, list) else ()
    return TrustDomains(str(config.get("trustDomain") or ""), listed)


def find_broken_policies(policies: Sequence[Manifest], before: TrustDomains, after: TrustDomains) -> tuple[str, ...]:
    """Policies that match now and would match nothing after; `AuthorizationPolicy shop/allow-web`."""
    lost = before.all - after.all
    named = {
        (manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"])
        for manifest in policies
        for _, value, _ in walk_principals(manifest)
        if read_trust_domain(value) in lost
    }
    findings = find_authorization_findings(policies, after.domain, after.aliases)
    broken = (f.where for f in findings if f.path and (f.kind, f.namespace, f.name) in named)
    return tuple(dict.fromkeys(broken))


def describe_trust_change(policies: Sequence[Manifest], before: TrustDomains, after: TrustDomains) -> tuple[str, str]:
    """Why the apply must not be made, and what to do instead; two empty texts where identities stay as they are."""
    if before.domain and after.domain and before.domain != after.domain:
        return (
            f"the apply would change the mesh's trust domain from {before.domain} to {after.domain} and every identity"
            " with it",
            "Keep the trust domain in force, or move it with aliases in a change of its own first.",
        )
    broken = find_broken_policies(policies, before, after)
    if not broken:
        return "", ""
    lost = ", ".join(sorted(before.all - after.all))
    return (
        f"the apply would drop the trust domain alias {lost}, and these would match nothing: {', '.join(broken)}",
        "Give global.trustDomainAliases in an IstioControlPlane file with -f, or edit the policies first.",
    )
