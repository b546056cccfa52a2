"""istioctl's output, as the real one printed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.install.istioctl_output import ApplyReport, describe_apply, find_first_words, read_apply_output
from steps.install.record.kubectl_errors import FaultKind, read_kubectl_errors

PRINTED = Path(__file__).parents[3] / "golden" / "istioctl"
ENABLED = ("Galley", "IngressGateway", "Injector", "NodeAgent", "Pilot")
DISABLED = (
    "CertManager", "Citadel", "Cni", "CoreDNS", "EgressGateway", "Grafana", "Kiali", "Policy", "Prometheus",
    "PrometheusOperator", "Telemetry", "Tracing",
)  # fmt: skip


def read(name: str) -> str:
    """What the real istioctl printed, as far as the file has it."""
    lines = (PRINTED / f"{name}.txt").read_text().splitlines()
    return "\n".join(line for line in lines if "lines left out" not in line)


# For tests of what is made of an ended apply.
GOOD, BAD, WARNED = read("apply-ok"), read("apply-forbidden"), read("apply-warnings")


def read_report(name: str) -> ApplyReport:
    """That, read."""
    return read_apply_output(read(name))


def list_said(text: str) -> str:
    """What kubectl said on its standard error: istioctl puts the number of times behind each of those lines."""
    return "\n".join(line for line in text.splitlines() if line.endswith(" times)"))


def test_an_apply_that_goes_well_is_complete() -> None:
    """Every component finished, interleaved or not; what was pruned is nobody's error."""
    report = read_report("apply-ok")
    assert report.complete
    assert {*ENABLED, "Base"} <= set(report.finished)
    assert (report.failed, report.running, report.errors) == ((), (), ())


@pytest.mark.parametrize(
    ("name", "finished", "failed"),
    [
        ("apply-forbidden", (), ENABLED),
        ("apply-kubectl-1.25-or-newer", ("Base",), ENABLED),
        ("apply-outage", (), ("Base", *ENABLED)),
        ("apply-unauthorized", (), ("Base", *ENABLED)),
        ("apply-unreachable", (), ENABLED),
        ("apply-warnings", ("Base", *ENABLED), ()),
        ("apply-webhook-down", ("Base", "NodeAgent"), ("Galley", "IngressGateway", "Injector", "Pilot")),
    ],
)
def test_each_component_ends_one_way(name: str, finished: tuple[str, ...], failed: tuple[str, ...]) -> None:
    """As istioctl's own lines and the heads of its blocks say; the disabled ones have a head at most."""
    report = read_report(name)
    assert not report.complete
    assert sorted(report.finished) == sorted(finished)
    assert sorted(set(report.failed) - {*DISABLED}) == sorted(failed)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("apply-forbidden", {"forbidden"}),
        ("apply-kubectl-1.25-or-newer", {"other"}),
        ("apply-outage", {"connection"}),
        ("apply-unauthorized", {"token"}),
        ("apply-unreachable", {"connection"}),
        ("apply-webhook-down", {"webhook"}),
    ],
)
def test_what_kubectl_says_has_one_cause(name: str, kinds: set[FaultKind]) -> None:
    """However many objects there were, and whichever lines istioctl left out."""
    said = list_said(read(name)).replace(read_warning(name), "")
    assert {fault.kind for fault in read_kubectl_errors(said)} == kinds


def read_warning(name: str) -> str:
    """The guard keeps the server's notices of deprecation from istioctl."""
    return next((line for line in read(name).splitlines() if line.startswith("Warning: ")), "\0")


def test_a_failed_object_is_named_with_the_cause_of_its_last_line() -> None:
    """Not with the patch before it."""
    faults = read_kubectl_errors(list_said(read("apply-webhook-down")))
    assert [fault.name for fault in faults] == [
        f"Deployment istio-system/istio-{name}" for name in ("ingressgateway", "galley", "sidecar-injector", "pilot")
    ]
    assert all(fault.cause.startswith("Internal error occurred: failed calling webhook") for fault in faults)


@pytest.mark.parametrize("name", ["apply-ok", "apply-forbidden", "apply-warnings", "apply-webhook-down"])
def test_what_kubectl_says_is_no_error_of_istioctls_own(name: str) -> None:
    """Its calls are read one by one; what it printed on standard output is no error of anybody's."""
    report = read_report(name)
    assert (report.errors, report.only_passing) == ((), False)


def test_a_base_that_could_not_be_waited_for_may_be_there_the_next_time() -> None:
    """istioctl asks for it by itself, and says at once that it could not."""
    report = read_report("apply-outage")
    (error,) = report.errors
    assert error.startswith("Error: resources not ready after 5m0s: Get ")
    assert report.only_passing


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("apply-forbidden", "Error from server (Forbidden): error when retrieving current configuration of:"),
        ("apply-kubectl-1.25-or-newer", "error: --force cannot be used with --prune"),
        ("apply-outage", "resources not ready after 5m0s: Get "),
        ("apply-warnings", ""),
        ("apply-webhook-down", "Error from server (InternalError): error when applying patch:"),
        ("bad-flag", "unknown flag: --nosuch"),
        ("bad-overlay", 'could not unmarshal the overlay file: unknown field "serviceAnnotations" in v1alpha2.'),
        ("bad-set", "failed to generate tree from the set overlay, error: bad path=value: nosuch=1"),
    ],
)
def test_the_first_words_are_the_cause(name: str, words: str) -> None:
    """A dump of the whole file may follow; what kubectl printed on standard output says nothing."""
    found = find_first_words(read(name))
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_a_run_that_was_cut_off_is_not_complete() -> None:
    """A component that began and didn't finish."""
    report = read_apply_output(read("apply-ok").partition("✔ Finished applying manifest for component Pilot")[0])
    assert "Pilot" in report.running
    assert not report.complete


@pytest.mark.parametrize("output", ["", "panic: runtime error: invalid memory address", "\x00\x01 lorem ipsum"])
def test_nonsense_is_not_complete(output: str) -> None:
    """A crash before the first component."""
    report = read_apply_output(output)
    assert (report.complete, report.finished, report.only_passing) == (False, (), False)


def test_progress_has_a_line_a_component() -> None:
    """Done, failed or under way."""
    text = read("apply-webhook-down").partition("✘ Finished applying manifest for component IngressGateway")[0]
    assert describe_apply(read_apply_output(text)) == (
        "Base: applied", "Galley: failed", "IngressGateway: applying", "NodeAgent: applying", "Pilot: applying",
        "Injector: applying",
    )  # fmt: skip
