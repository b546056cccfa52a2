from __future__ import annotations

from tests.unit.sandbox.release.bench import GUIDE, Bench


def test_asmctl_passes_on_the_upgraded_mesh(bench: Bench) -> None:
    """With the lines of the guide."""
    bench.apply(*GUIDE)
    bench.settle()
    answer = bench.run("asmctl", "validate", "--with-testing-workloads")
    assert (answer.code, answer.errors) == (0, "")
    assert answer.out.splitlines() == [
        "[asmctl version 0.3.0]",
        "Using Kubernetes context: cluster-x-admin",
        "To change the context, use the --context flag",
        "Validating enabled APIs",
        "OK",
        "Validating ingressgateway configuration",
        "OK",
        "Validating istio system",
        "OK",
        "Validating sample traffic",
        "Launching example services...",
        "Sent traffic to example service http code: 200",
        "verified mTLS configuration",
        "OK",
        "Validating issued certs",
        "OK",
    ]


def test_asmctl_leaves_no_namespace_behind(bench: Bench) -> None:
    """The testing workloads go with theirs."""
    bench.apply(*GUIDE)
    bench.settle()
    bench.run("asmctl", "validate", "--with-testing-workloads")
    bench.settle()
    with bench.cluster.lock:
        names = [made["metadata"]["name"] for made in bench.cluster.store.each("namespaces")]
    assert not [name for name in names if name.startswith("asmctl-validate-")]


def test_asmctl_fails_on_a_mesh_of_another_version(bench: Bench) -> None:
    """It names the workload, and what to do."""
    answer = bench.run("asmctl", "validate")
    assert answer.code == 1
    assert "could not validate istio system: Deployment istio-galley runs" in answer.errors
    assert "Please fix the issue and try to validate again" in answer.errors


def test_asmctl_fails_without_the_cluster_address(bench: Bench) -> None:
    """The ingress gateway wouldn't find Mesh CA."""
    bench.apply(*GUIDE, "values.nodeagent.env.GKE_CLUSTER_URL=")
    bench.settle()
    answer = bench.run("asmctl", "validate")
    assert "Missing configuration value GKE_CLUSTER_URL" in answer.out
    assert "found misconfiguration in Ingress Gateway pod." in answer.errors


def test_asmctl_needs_default_credentials(bench: Bench) -> None:
    """As Google's library says it."""
    assert "could not find default credentials" in bench.run("asmctl", "validate", credentials=False).errors
