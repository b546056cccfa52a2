"""asmctl's output."""

from __future__ import annotations

from steps.install.asmctl_output import describe_checks, read_validation

GUIDE = """\
[asmctl version 0.3.0]
Using Kubernetes context: example-project_us-central1-example-cluster
To change the context, use the --context flag
Validating enabled APIs
OK
Validating ingressgateway configuration
OK
Validating istio system
OK
Validating sample traffic
Launching example services...
Sent traffic to example service http code: 200
verified mTLS configuration
OK
Validating issued certs
OK
"""
FAILED_04 = """\
[asmctl version 0.4.0]
Using Kubernetes context: gke_p_z_c
To change the context, use the --context flag
Validating enabled APIs
OK
Validating ingressgateway configuration
Missing configuration value GKE_CLUSTER_URL with value https://container.googleapis.com/v1/projects/p
Run ./tools/kubernetes_dump.sh -z
Error: could not validate ingressgateway configuration: found misconfiguration in Ingress Gateway pod.
Please fix the issue and try to validate again
"""
OLDER = "Validating Node-Agent configuration\nOK\nValidating Istio system\nOK\n"


def test_the_guides_example_passes() -> None:
    """Five checks of asmctl 0.3.0."""
    report = read_validation(GUIDE)
    assert report.passed
    assert report.version == "0.3.0"
    assert len(report.checks) == 5


def test_free_lines_belong_to_their_check() -> None:
    """What sample traffic wrote before its OK."""
    check = read_validation(GUIDE).checks[3]
    assert check.lines[0] == "Launching example services..."


def test_a_failure_keeps_asmctl_s_own_remedy() -> None:
    """And its last word."""
    report = read_validation(FAILED_04)
    failing = report.failing
    assert failing is not None
    assert failing.name == "ingressgateway configuration"
    assert "Run ./tools/kubernetes_dump.sh -z" in failing.lines
    assert report.error.endswith("found misconfiguration in Ingress Gateway pod.")
    assert not report.passed


def test_the_older_form_without_a_version_passes() -> None:
    """asmctl of 1.4.7: other names, no version line."""
    report = read_validation(OLDER)
    assert (report.passed, report.version) == (True, "")


def test_a_check_that_was_cut_off_is_not_ok() -> None:
    """The program was killed in the middle."""
    assert not read_validation(GUIDE.rpartition("OK")[0]).passed


def test_no_check_at_all_is_not_ok() -> None:
    """Nonsense or nothing."""
    assert not read_validation("lorem ipsum\n").passed


def test_windows_line_ends_are_read() -> None:
    """From a terminal's log."""
    assert read_validation(GUIDE.replace("\n", "\r\n")).passed


def test_a_line_a_check() -> None:
    """For the progress message."""
    assert describe_checks(read_validation(FAILED_04).checks) == (
        "OK: enabled APIs",
        "running: ingressgateway configuration",
    )
