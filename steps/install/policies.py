"""Which authorization policies stop matching, or never matched, and what to change in them.

Rules, read in Istio 1.4.10 (pilot/pkg/security/trustdomain, authz/model, authz/builder): `cluster.local` in a
principal stands for the mesh's own trust domain; `*` is not held against one; any other trust domain that is neither
the mesh's nor an alias stops matching; `names` and `notNames` are compared as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from steps.contract.ports import Kubernetes, Manifest

LOCAL = "cluster.local"
POLICY_KINDS: tuple[tuple[str, str], ...] = (
    ("security.istio.io/v1beta1", "AuthorizationPolicy"),
    ("rbac.istio.io/v1alpha1", "ClusterRbacConfig"),
    ("rbac.istio.io/v1alpha1", "ServiceRole"),
    ("rbac.istio.io/v1alpha1", "ServiceRoleBinding"),
)
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class PolicyFinding:
    """One value in one object that needs a look.

    `path` leads to the value, () for the object as a whole. `replacement` is exact, "" where a person has to think.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    path: Path
    value: str
    change: str
    replacement: str = ""

    @property
    def where(self) -> str:
        """`AuthorizationPolicy shop/allow-web`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def field(self) -> str:
        """The field as people write it, `spec.rules[0].from[0].source.principals[1]`."""
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return "".join(parts).lstrip(".")

    def __str__(self) -> str:
        place = f"{self.where}, {self.field} = {self.value!r}" if self.path else self.where
        return f"{place}: {self.change}"


def find_authorization_findings(
    objects: Iterable[Manifest], trust_domain: str, aliases: Sequence[str] = ()
) -> tuple[PolicyFinding, ...]:
    """All findings among policies of any kind; `trust_domain` and `aliases` are those the mesh will run with."""
    listed = list(objects)
    return tuple(
        finding
        for manifest in listed
        for finding in (*_find_principals(manifest, {trust_domain, *aliases}), *_find_overridden(manifest, listed))
    )


def list_trust_domains(objects: Iterable[Manifest]) -> frozenset[str]:
    """The trust domains that principals name, cluster.local and wildcards left out."""
    found = (read_trust_domain(value) for manifest in objects for _, value, _ in walk_principals(manifest))
    return frozenset(domain for domain in found if domain and domain not in (LOCAL, "*"))


def read_trust_domain(principal: str) -> str:
    """The part before /ns/; `*` where a wildcard stands for it, "" where the principal has no trust domain."""
    head, separator, _ = principal.partition("/ns/")
    if not separator:
        return "*" if principal.startswith("*") or principal.endswith("*") else ""
    return "*" if head.startswith("*") else head


def walk_principals(manifest: Manifest) -> Iterator[tuple[Path, str, bool]]:
    """Every principal with its path; the flag says whether Pilot reads cluster.local in it as its own domain."""
    match manifest.get("kind"):
        case "AuthorizationPolicy":
            yield from _walk_rules(_list(manifest.get("spec"), "rules"))
        case "ServiceRoleBinding":
            yield from _walk_subjects(_list(manifest.get("spec"), "subjects"))
        case _:
            return


def edit_policy(manifest: Manifest, findings: Iterable[PolicyFinding]) -> Manifest:
    """A copy of the object, reduced to what a server-side apply needs, with every exact replacement made."""
    edited: Any = {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {key: manifest["metadata"][key] for key in ("name", "namespace") if key in manifest["metadata"]},
        "spec": copy.deepcopy(manifest.get("spec", {})),
    }
    for finding in findings:
        *parents, last = finding.path
        here = edited
        for part in parents:
            here = here[part]
        if here[last] == finding.value:
            here[last] = finding.replacement
    return edited  # type: ignore[no-any-return]


def _find_principals(manifest: Manifest, own: set[str]) -> Iterator[PolicyFinding]:
    for path, value, rewritten in walk_principals(manifest):
        change, replacement = _judge_principal(value, own, rewritten)
        if change:
            yield _finding(manifest, path, value, change, replacement)


def _judge_principal(value: str, own: set[str], rewritten: bool) -> tuple[str, str]:
    domain = read_trust_domain(value)
    rest = value.partition("/ns/")[2]
    if domain == "*" or domain in own or (domain == LOCAL and rewritten):
        return "", ""
    if not domain:
        return "this is not of the form TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT and matches nothing", ""
    if not rewritten:
        name = min(own)
        return f"names are compared as written, so this matches nothing; write {name}/ns/{rest}", f"{name}/ns/{rest}"
    return (
        f"trust domain {domain} is neither the mesh's nor an alias, so this matches nothing; write {LOCAL}/ns/{rest}",
        f"{LOCAL}/ns/{rest}",
    )


def _find_overridden(manifest: Manifest, objects: Sequence[Manifest]) -> Iterator[PolicyFinding]:
    if manifest.get("kind") != "ServiceRoleBinding":
        return
    namespace = manifest["metadata"].get("namespace", "")
    newer = [
        other["metadata"]["name"]
        for other in objects
        if other.get("kind") == "AuthorizationPolicy" and other["metadata"].get("namespace") == namespace
    ]
    if newer:
        yield _finding(
            manifest, (), "",
            f"AuthorizationPolicy {', '.join(newer)} in the same namespace overrides it for each workload that it"
            " selects; carry its rules over (istioctl x authz convert) and remove it",
        )  # fmt: skip


def _finding(manifest: Manifest, path: Path, value: str, change: str, replacement: str = "") -> PolicyFinding:
    metadata = manifest["metadata"]
    return PolicyFinding(
        manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"],
        path, value, change, replacement,
    )  # fmt: skip


def _walk_rules(rules: Sequence[Manifest]) -> Iterator[tuple[Path, str, bool]]:
    for index, rule in enumerate(rules):
        base: Path = ("spec", "rules", index)
        for number, origin in enumerate(_list(rule, "from")):
            source = origin.get("source") or {}
            for key in ("principals", "notPrincipals"):
                yield from _walk_values((*base, "from", number, "source", key), _list(source, key))
        for number, condition in enumerate(_list(rule, "when")):
            if condition.get("key") == "source.principal":
                for key in ("values", "notValues"):
                    yield from _walk_values((*base, "when", number, key), _list(condition, key))


def _walk_subjects(subjects: Sequence[Manifest]) -> Iterator[tuple[Path, str, bool]]:
    for index, subject in enumerate(subjects):
        base: Path = ("spec", "subjects", index)
        if subject.get("user"):
            yield (*base, "user"), subject["user"], True
        principal = (subject.get("properties") or {}).get("source.principal")
        if principal:
            yield (*base, "properties", "source.principal"), principal, True
        for key in ("names", "notNames"):
            yield from _walk_values((*base, key), _list(subject, key), rewritten=False)


def _walk_values(path: Path, values: Sequence[object], rewritten: bool = True) -> Iterator[tuple[Path, str, bool]]:
    for index, value in enumerate(values):
        yield (*path, index), str(value), rewritten


def _list(holder: Manifest | None, key: str) -> Sequence[Manifest]:
    return (holder or {}).get(key) or []


def read_policies(kubernetes: Kubernetes) -> tuple[Manifest, ...]:
    """Every authorization policy of both generations; a kind that the cluster lacks has none."""
    return tuple(found for api, kind in POLICY_KINDS for found in kubernetes.list_objects(api, kind))
