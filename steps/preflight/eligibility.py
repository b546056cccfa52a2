"""Whether a cluster can be taken to a release: the preflight's rules, each with its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never

from steps.contract.checks import Check, failed, passed, warned
from steps.contract.options import UpgradeOptions
from steps.contract.release import Release
from steps.contract.wording import count_things
from steps.install.gateways import find_left_gateways, list_brought
from steps.install.installed import MixedVersions, NoMesh, OneVersion, OpenSource, Unreadable
from steps.install.policies import find_authorization_findings
from steps.install.recovery import PreviousInstall
from steps.mesh import ClusterIdentity, Exclusion, Node, Operation, Workload
from steps.preflight.gke_state import check_gke, refuse_gke
from steps.preflight.named_namespaces import check_named
from steps.preflight.survey import Survey
from steps.versions import AsmVersion, parse_asm_version, parse_numbers
from steps.workloads.placement import may_run

_ROLLED_BY_SURGE = "Deployment"
BUSY_OPERATIONS = (
    "UPGRADE_NODES",
    "UPGRADE_MASTER",
    "REPAIR_CLUSTER",
    "UPDATE_CLUSTER",
    "AUTO_UPGRADE_NODES",
    "AUTO_REPAIR_NODES",
    "DELETE_CLUSTER",
    "SET_NODE_POOL_SIZE",
    "DELETE_NODE_POOL",
)
GUIDE_15 = "https://cloud.google.com/service-mesh/docs"


def judge_survey(survey: Survey, release: Release, options: UpgradeOptions) -> tuple[Check, ...]:
    """Every check of the preflight, in the order in which people read them; `options` are those asked for."""
    return (
        check_server(survey.identity.server_version, release),
        *check_gke(survey.identity, release),
        check_installed(survey, release),
        *check_named(survey.namespaces, options),
        *check_node_agent(survey, release),
        *check_gateways(survey, release, options.set_flags),
        *check_trust_domain(survey.previous, survey.identity),
        check_node_room(survey),
        *check_operations(survey.operations),
        *check_exclusions(survey.exclusions),
        *check_services(survey.disabled_services, survey.identity.project_id),
        *check_policies(survey),
        *(warned("previous install", doubt) for doubt in survey.previous.doubts),
        *(warned("not read", sentence) for sentence in survey.unread),
    )


def find_early_refusal(identity: ClusterIdentity, release: Release) -> Check | None:
    """What stops an upgrade before the cluster itself is asked anything; None where nothing does."""
    return refuse_gke(identity, release)


def find_source(survey: Survey, release: Release) -> str:
    """The version that the upgrade starts from and would go back to: the control plane's.

    Where that is on the target already, the oldest sidecar's; "" where there is no ASM at all.
    """
    for versions in (_control_plane_versions(survey), _sidecar_versions(survey)):
        older = [version for version in versions if str(version) != release.version]
        if older:
            return str(min(older))
    return release.version if _control_plane_versions(survey) else ""


def check_installed(survey: Survey, release: Release) -> Check:
    """The installed version against the window of the release."""
    name = "installed version"
    match survey.installed:
        case NoMesh():
            return failed(
                name, f"no mesh is installed: namespace {release.namespace} holds no control plane",
                "Install Anthos Service Mesh first; this bot upgrades an existing one.",
            )  # fmt: skip
        case OpenSource(images):
            return failed(
                name, f"open-source Istio is installed ({images[0]})",
                "Moving from open-source Istio to ASM changes the certificate authority and is not done by this bot;"
                " follow the guide's section on migrating from Istio.",
            )  # fmt: skip
        case Unreadable(images):
            return failed(
                name, f"the version can't be told from the image {images[0]}",
                "Give the control plane's workloads images with a version tag, then retry.",
            )  # fmt: skip
        case MixedVersions(versions):
            return _check_mixed(versions, release)
        case OneVersion(version):
            return _check_version(version, survey, release)
        case unexpected:
            assert_never(unexpected)


def check_server(server_version: str, release: Release) -> Check:
    """The API server's version against the release's ceiling."""
    numbers, ceiling = parse_numbers(server_version), parse_numbers(release.server_below)
    if numbers is None or ceiling is None:
        return failed("server version", f"the API server's version {server_version!r} can't be read", "Retry.")
    if numbers >= ceiling:
        return failed(
            "server version",
            f"the API server is {server_version}; ASM {release.version} needs one below {release.server_below},"
            " because it applies v1beta1 kinds that later servers don't know",
            "Upgrade to an ASM release made for this Kubernetes version.",
        )
    return passed("server version", f"API server {server_version}")


def check_node_agent(survey: Survey, release: Release) -> Iterator[Check]:
    """A DaemonSet of the control plane with OnDelete never rolls (istio#15020)."""
    names = {w.name for w in release.workloads if w.kind == "DaemonSet"}
    for workload in survey.control_plane:
        if workload.ref.kind == "DaemonSet" and workload.ref.name in names and workload.strategy == "OnDelete":
            name = workload.ref.name
            yield failed(
                name, f"DaemonSet {name} has updateStrategy OnDelete and would never roll",
                f"kubectl -n {release.namespace} patch daemonset {name} --type merge"
                ' -p \'{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}\'',
            )  # fmt: skip


def check_gateways(survey: Survey, release: Release, asked: Sequence[str]) -> Iterator[Check]:
    """Gateways of the control plane's namespace that would keep their old proxy."""
    moved = list_brought(release, (*survey.previous.flags, *asked))
    for found in find_left_gateways(survey.control_plane, moved, release):
        yield warned("gateway", found)


def check_trust_domain(previous: PreviousInstall, identity: ClusterIdentity) -> Iterator[Check]:
    """Another trust domain than the workload pool would change every identity of the mesh."""
    if previous.trust_domain and previous.trust_domain != identity.workload_pool:
        yield failed(
            "trust domain",
            f"the mesh runs with trust domain {previous.trust_domain}, the guide sets {identity.workload_pool}:"
            " every workload's identity would change and mTLS and authorization would deny traffic",
            "Move the mesh to the workload pool's trust domain with aliases first, in a change of its own.",
        )
    if previous.mesh_id and previous.mesh_id != identity.mesh_id:
        yield warned("mesh id", f"the mesh runs with mesh id {previous.mesh_id}, the guide sets {identity.mesh_id}")


def check_operations(operations: Iterable[Operation]) -> Iterator[Check]:
    """Operations that move nodes or the master under the upgrade; they block the control plane, not the proposal."""
    for operation in operations:
        busy = operation.kind in BUSY_OPERATIONS
        remedy = "The control plane is not touched before it has ended." if busy else ""
        yield warned("GKE operation", describe_operation(operation), remedy)


def check_exclusions(exclusions: Iterable[Exclusion]) -> Iterator[Check]:
    """Maintenance exclusions are shown; they hold for GKE's own upgrades."""
    for exclusion in exclusions:
        period = f"{exclusion.start:%Y-%m-%d %H:%M} to {exclusion.end:%Y-%m-%d %H:%M} UTC"
        yield warned("maintenance exclusion", f"maintenance exclusion {exclusion.name}: {period}")


def check_services(disabled: Iterable[str], project: str) -> Iterator[Check]:
    """APIs that ASM needs and the project lacks."""
    missing = tuple(disabled)
    if missing:
        yield warned(
            "APIs", f"not enabled in {project}: {', '.join(missing)}",
            f"gcloud services enable {' '.join(missing)} --project {project}",
        )  # fmt: skip


def check_policies(survey: Survey) -> Iterator[Check]:
    """Authorization findings; nothing here stops the upgrade, they come up again in their own phase."""
    findings = find_authorization_findings(survey.policies, survey.identity.workload_pool, survey.previous.aliases)
    for finding in findings:
        yield warned("authorization", str(finding))


def _check_mixed(versions: Mapping[str, AsmVersion], release: Release) -> Check:
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    target = parse_asm_version(release.version)
    others = [version for version in versions.values() if version != target]
    if target in versions.values() and all(_find_version_fault(version, release) is None for version in others):
        return warned("installed version", f"an earlier apply was left half-way ({listed}); this upgrade completes it")
    return failed(
        "installed version", f"the control plane is on mixed versions: {listed}",
        "Bring it to one version first, with the istioctl and the flags of that version's install.",
    )  # fmt: skip


def _check_version(version: AsmVersion, survey: Survey, release: Release) -> Check:
    name = "installed version"
    if str(version) == release.version:
        behind = sum(n for tag, n in survey.sidecars.by_version.items() if tag != release.version)
        if behind:
            return warned(name, f"the control plane is already on {version}; {behind} sidecars are not")
        return failed(
            name, f"already on the target: control plane and {survey.sidecars.pods} sidecars are on {version}",
            "There is nothing to upgrade.",
        )  # fmt: skip
    return _find_version_fault(version, release) or passed(name, f"ASM {version}")


def _find_version_fault(version: AsmVersion, release: Release) -> Check | None:
    name, target = "installed version", parse_asm_version(release.version)
    oldest, newest = parse_numbers(release.oldest_source), parse_numbers(release.newest_source)
    if oldest is not None and version.base < oldest:
        return failed(
            name, f"ASM {version} is below {release.oldest_source}, the oldest that can go to {release.version}",
            f"Upgrade to {release.oldest_source} or later first, with that release's own guide.",
        )  # fmt: skip
    if (newest is not None and version.base > newest) or (target is not None and version > target):
        return failed(
            name, f"ASM {version} is newer than {release.version}",
            f"This release would be a downgrade; see {GUIDE_15} for the way on from here.",
        )  # fmt: skip
    return None


def _control_plane_versions(survey: Survey) -> list[AsmVersion]:
    match survey.installed:
        case OneVersion(version):
            return [version]
        case MixedVersions(versions):
            return list(versions.values())
        case _:
            return []


def list_plane_versions(survey: Survey) -> tuple[str, ...]:
    """The versions that the control plane is on, each once, the oldest first."""
    return tuple(map(str, sorted(set(_control_plane_versions(survey)))))


def _sidecar_versions(survey: Survey) -> list[AsmVersion]:
    return [version for tag in survey.sidecars.by_version if (version := parse_asm_version(tag))]


def describe_operation(operation: Operation) -> str:
    """`GKE runs UPGRADE_NODES on nodePools/default-pool`; the target is the tail of Google's link."""
    target = "/".join(operation.target.rstrip("/").split("/")[-2:])
    return f"GKE runs {operation.kind}" + (f" on {target}" if target else "")


def check_node_room(survey: Survey) -> Check:
    """Compare what a doubled control plane asks for with what is left on the nodes that its pods may go to.

    Requests are those of the templates, so injected sidecars are not counted: the free room is an upper bound.
    """
    surging = [w for w in survey.control_plane if w.ref.kind == _ROLLED_BY_SURGE]
    usable = [node for node in survey.nodes if node.ready and not node.unschedulable]
    open_to = [node for node in usable if not surging or any(_takes(survey, node, w) for w in surging)]
    if not usable:
        return failed("node room", "no node is ready and schedulable", "Bring the nodes back, then retry.")
    if not open_to:
        return failed(
            "node room",
            f"none of the {count_things(len(usable), 'usable node')} takes the control plane's pods",
            "Add a node with the labels that they ask for and without a taint that they don't tolerate, then retry.",
        )
    return _compare_room(survey, surging, open_to)


def _takes(survey: Survey, node: Node, workload: Workload) -> bool:
    """Whether a usable node takes pods of a workload: by its template, or because one stands there.

    A webhook may place pods otherwise than their template says (Kubernetes: dynamic admission control).
    """
    return may_run(node, workload.placement) or (node.name, workload.ref) in survey.homes


def _compare_room(survey: Survey, surging: Sequence[Workload], nodes: Sequence[Node]) -> Check:
    rooms = survey.rooms
    needed = sum(w.cpu_millis * w.replicas for w in surging)
    needed_memory = sum(w.memory_bytes * w.replicas for w in surging)
    free = sum(max(rooms[node.name].cpu_millis, 0) for node in nodes)
    free_memory = sum(max(rooms[node.name].memory_bytes, 0) for node in nodes)
    sentence = f"a doubled control plane asks for {_cores(needed)} vCPU and {_gibibytes(needed_memory)} GiB more"
    left = f"{_cores(free)} vCPU and {_gibibytes(free_memory)} GiB are free on {count_things(len(nodes), 'node')}"
    if needed > free or needed_memory > free_memory:
        lacking = f"{_cores(max(needed - free, 0))} vCPU and {_gibibytes(max(needed_memory - free_memory, 0))} GiB"
        return failed(
            "node room",
            f"no room for a doubled control plane: {sentence}, {left}",
            f"Add nodes with at least {lacking} for the time of the upgrade, then retry.",
        )
    return _find_homeless(survey, surging, nodes) or _tell_room(f"{sentence};", left, scarce=needed * 2 > free)


def _find_homeless(survey: Survey, surging: Iterable[Workload], nodes: Sequence[Node]) -> Check | None:
    """A workload of which no node has room for one pod more, however much is free on all together."""
    for workload in surging:
        open_to = [node for node in nodes if _takes(survey, node, workload)]
        if workload.replicas and not any(survey.rooms[node.name].count_fitting(workload) for node in open_to):
            size = f"{_cores(workload.cpu_millis)} vCPU and {_gibibytes(workload.memory_bytes)} GiB"
            return failed(
                "node room",
                f"no node has room for a pod more of {workload.ref.name}, which asks for {size}",
                f"Add a node that takes it, with at least {size} free, then retry.",
            )
    return None


def _tell_room(sentence: str, left: str, *, scarce: bool) -> Check:
    return warned("node room", f"{sentence} only {left}") if scarce else passed("node room", f"{sentence} {left}")


def _cores(millis: int) -> str:
    return f"{millis / 1000:.1f}"


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f}"
