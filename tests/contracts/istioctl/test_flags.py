"""Which flags istioctl takes and refuses, and what it says then."""

from __future__ import annotations

import pytest
import yaml

from tests.contracts.istioctl.bench import GUIDE, Bench, Ran

HINT = "Run the command with the --force flag if you want to ignore the validation error and proceed."


def generate(bench: Bench, *flags: str) -> Ran:
    return bench.run("manifest", "generate", *(part for flag in flags for part in ("--set", flag)))


@pytest.mark.parametrize(
    "flag",
    [
        "./values.global.meshID=a",
        "b/../values.global.meshID=a",
        ".values.global.meshID.=a",
        "values..global.meshID=a",
        "values.global.meshID/=a",
        "values.global.meshID//=a",
        "./a/..//values.global.meshID/./=a",
        "...values...global.meshID..=a",
        '"values.global.meshID=a"',
        "hub=h,values.global.meshID=a",
        "unvalidatedValues.global.meshID=a",
        "traffic_management.components.pilot.k8s.replica_count=2",
        "values.pilot.enabled=false",
        "values.gateways.istio-egressgateway.enabled=true",
    ],
)
def test_a_flag_in_another_spelling_is_taken(bench: Bench, flag: str) -> None:
    """A flag that is compared as text is not compared."""
    ran = generate(bench, *GUIDE, flag)
    assert (ran.code, ran.errors) == (0, "")


@pytest.mark.parametrize(
    ("flag", "cause"),
    [
        ("nosuch=1", "bad path=value: nosuch=1"),
        ("values/.global.meshID=a", "bad path=value"),
        ("Values.global.meshID=a", "bad path=value"),
        ("unvalidated_values.global.meshID=a", "bad path=value"),
        ("spec.hub=a", "bad path=value"),
        ("values.globl.a=1", 'bad path=value (values.globl.a=1): unknown field "globl" in v1alpha1.Values'),
        ("values.global=1", "bad path=value (values.global=1): json: cannot unmarshal number into Go value of type "),
        ("values.global.meshID=123", "bad path=value (values.global.meshID=123): json: cannot unmarshal number into"),
        ("values.global.meshID=a=b", "bad argument values.global.meshID=a=b: expect format key=value"),
        ("values.global.meshID", "bad argument values.global.meshID: expect format key=value"),
        ("values.global.meshID=a,b", "bad argument b: expect format key=value"),
    ],
)
def test_a_bad_flag_is_refused(bench: Bench, flag: str, cause: str) -> None:
    """With 255 and the cause in the last line; a hint stands before what a schema refuses."""
    ran = generate(bench, *GUIDE, flag)
    assert ran.code == 255
    *hint, last = ran.errors.splitlines()
    assert last.startswith(cause)
    assert hint == ([HINT] if cause.startswith("bad path=value (") else [])


def test_an_unknown_option_ends_with_64(bench: Bench) -> None:
    """Before anything is read."""
    ran = bench.run("manifest", "apply", "--nosuch")
    assert ran.code == 64
    assert "unknown flag: --nosuch" in ran.errors


def test_an_apply_puts_a_frame_around_the_cause(bench: Bench) -> None:
    """The same cause as of `generate`."""
    ran = bench.run("manifest", "apply", "--set", "nosuch=1", "--kubeconfig", str(bench.admin))
    frame = "Failed to generate and apply manifests, error: failed to generate tree from the set overlay, error: "
    assert (ran.code, ran.errors.strip()) == (255, f"{frame}bad path=value: nosuch=1")


def test_generate_prints_the_objects_without_labels_of_the_operator(bench: Bench) -> None:
    """Under comments; disabled components have a comment alone."""
    ran = generate(bench, *GUIDE)
    found = [made for made in yaml.safe_load_all(ran.out) if made]
    recorded, _ = bench.record(*GUIDE)
    assert "# Resources for Base component" in ran.out
    assert "# Kiali component is disabled." in ran.out
    assert "operator.istio.io/" not in ran.out
    assert sorted(key(made) for made in found) == sorted(
        key(made.content) for made in recorded.recording.record.list_objects()
    )


def key(made: object) -> tuple[str, str]:
    assert isinstance(made, dict)
    return made["kind"], made["metadata"]["name"]
