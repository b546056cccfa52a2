"""istioctl's arguments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import pytest

from sandbox.release.tools.set_flags import TRUTHS, BadFlag, tree_of_flags
from steps.contract.errors import GiveUp
from steps.contract.options import MtlsMode, Overlay, UpgradeOptions
from steps.install.flags import (
    build_apply_arguments,
    find_flag_fault,
    find_idle_flags,
    list_set_flags,
    merge_set_flags,
)
from tests.unit.steps.builders import make_identity, read_shipped_release

GUIDE = (
    "manifest", "apply",
    "--set", "profile=asm",
    "--set", "values.global.trustDomain=example-project.svc.id.goog",
    "--set", "values.global.sds.token.aud=example-project.svc.id.goog",
    "--set", "values.nodeagent.env.GKE_CLUSTER_URL=https://container.googleapis.com/v1/projects/example-project"
    "/locations/us-central1-a/clusters/cluster-x",
    "--set", "values.global.meshID=proj-123456789012",
    "--set", "values.global.proxy.env.GCP_METADATA=example-project|123456789012|cluster-x|us-central1-a",
)  # fmt: skip


def build(
    mtls: MtlsMode = "PERMISSIVE", earlier: tuple[str, ...] = (), overlay: str = "", asked: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Arguments for cluster-x."""
    overlays = (Overlay("extra.yaml", overlay),) if overlay else ()
    options = UpgradeOptions(set_flags=asked, overlays=overlays)
    return build_apply_arguments(read_shipped_release(), make_identity(), options, mtls, earlier)


def control_plane(spec: str) -> str:
    """An IstioControlPlane file."""
    return f"apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\nspec: {spec}\n"


def test_permissive_arguments_are_exactly_the_guides() -> None:
    """Character by character what the guide prints, with this cluster's names."""
    assert build() == GUIDE


def test_strict_arguments_are_exactly_the_guides() -> None:
    """The guide's STRICT variant has one flag more, at the end."""
    assert build("STRICT") == (*GUIDE, "--set", "values.global.mtls.enabled=true")


def test_earlier_flags_come_behind_the_guides() -> None:
    """What the previous install had set is set again."""
    flag = "values.global.proxy.accessLogFile=/dev/stdout"
    assert build(earlier=(flag,)) == (*GUIDE, "--set", flag)


def test_an_asked_flag_replaces_the_earlier_one() -> None:
    """One flag a path, the asked one."""
    arguments = build(earlier=("values.tracing.enabled=true",), asked=("values.tracing.enabled=false",))
    assert list_set_flags(arguments)[-1] == "values.tracing.enabled=false"
    assert "values.tracing.enabled=true" not in arguments


def test_an_overlay_is_not_overruled_by_an_earlier_flag() -> None:
    """A flag would beat the file, so the earlier flag is left out."""
    overlay = control_plane("{values: {tracing: {enabled: false}}}")
    assert build(earlier=("values.tracing.enabled=true",), overlay=overlay) == GUIDE


def test_a_flag_that_repeats_the_guides_is_given_once() -> None:
    """The same flag twice would change nothing."""
    assert build(asked=("profile=asm",)) == GUIDE


@pytest.mark.parametrize(
    "asked", ["profile=default", "values.global.meshID=other", "values.global.mtls.enabled=true", "tag=1.4.9-asm.1"]
)
def test_a_flag_against_the_guide_is_refused(asked: str) -> None:
    """Identity, profile, mTLS and version are not chosen by --set."""
    with pytest.raises(GiveUp, match=asked.partition("=")[0]):
        build(asked=(asked,))


def test_an_overlay_against_the_mtls_mode_is_refused() -> None:
    """STRICT by a file would pass by the gate for the mode."""
    with pytest.raises(GiveUp, match=r"mtls\.enabled"):
        build(overlay=control_plane("{values: {global: {mtls: {enabled: true}}}}"))


@pytest.mark.parametrize(
    ("flag", "word"),
    [
        ("values.a=b,c", "comma"),
        ("values.a=b=c", "second equals sign"),
        ("values.a", "path=value"),
        ("=b", "path=value"),
        ("values..a=b", "path"),
        ('values.a="b"', "quote"),
    ],
)
def test_flags_that_istioctl_misreads_are_told(flag: str, word: str) -> None:
    """Each trap of istioctl 1.4's parser has its words."""
    assert word in find_flag_fault(flag)


@pytest.mark.parametrize(
    "flag", ["values.a=p|1|c|z", "values.a=https://x/y", "values.global.proxy.accessLogFile=/dev/stdout", "values.a="]
)
def test_flags_that_istioctl_reads_as_meant_pass(flag: str) -> None:
    """Bars, colons and slashes are safe."""
    assert find_flag_fault(flag) == ""


def test_a_bad_flag_names_the_way_out() -> None:
    """The remedy is a file."""
    with pytest.raises(GiveUp, match="comma") as caught:
        build(asked=("values.a=b,c",))
    assert "-f" in caught.value.remedy


def test_merged_flags_keep_their_order() -> None:
    """Earlier ones first, replaced in place."""
    assert merge_set_flags(("a=1", "b=2"), ("b=3", "c=4")) == ("a=1", "b=3", "c=4")


@pytest.mark.parametrize(
    "flag",
    [
        "installPackagePath/=https://evil.example/charts.tar.gz",
        "install_package_path=https://evil.example/charts.tar.gz",
        "values.global.mtls.enabled/=true",
        "unvalidatedValues.global.mtls.enabled=true",
        "./values.global.tag=1",
        "b/../values.global.tag=1",
        ".values.global.tag.=1",
        "values..global.tag=1",
        "values//global.tag=1",
        "traffic_management.components.pilot.k8s.replica_count=9",
        "Values.global.tag=1",
        "spec.values.global.tag=1",
        "values.x[0].y=1",
        "gateways.components.ingressGateway.k8s.serviceAnnotations.cloud\\.google\\.com/x=y",
        "values.global\u200b.tag=1",
    ],
)
def test_what_istioctl_may_read_as_something_else_is_refused(flag: str) -> None:
    """It cleans paths and takes JSON names and proto names alike (seen with istioctl 1.4.10)."""
    assert find_flag_fault(flag)


# Flags that decide who the mesh is, what it trusts and where it comes from, and one that only looks like a switch.
GUARDED = (
    "profile", "hub", "tag", "installPackagePath", "values.global.hub", "values.global.tag", "values.global.meshID",
    "values.global.trustDomain", "values.global.mtls.enabled", "values.global.sds.token.aud",
    "values.nodeagent.env.GKE_CLUSTER_URL", "values.gateways.istio-egressgateway.enabled",
)  # fmt: skip
BEFORE = ("", "./", ".", "..", "././", "a/../", "./a/..//", "a/b/../../", ".//", "x.y/../")
BEHIND = ("", "/", "//", "/.", ".", "..", "/./", "/a/..", "/.//")
BETWEEN = (".", "..", "...")
AROUND = ("{key}=1", '"{key}=1"', "values.x=1,{key}=1", '"values.x=1",{key}=1')
NAMES = {"installPackagePath": "install_package_path"}


def spell(path: str) -> Iterator[str]:
    """Ways to write a flag that istioctl's parser may take for this path."""
    root, _, rest = path.partition(".")
    roots = [root, NAMES.get(root, root), *(["unvalidatedValues"] if root == "values" else [])]
    for before, behind, between, name, around in itertools.product(BEFORE, BEHIND, BETWEEN, roots, AROUND):
        key = between.join([name, *rest.split(".")]) if rest else name
        yield around.format(key=before + key + behind)


def read_paths(flag: str) -> set[str]:
    """The paths that istioctl sets by a flag, under their JSON names; none where it refuses it."""
    try:
        tree = tree_of_flags([flag])
    except BadFlag:
        return set()
    renamed = {written: name for name, written in NAMES.items()} | {"unvalidatedValues": "values"}
    return set(list_leaves({renamed.get(root, root): under for root, under in tree.items()}))


def list_leaves(tree: Mapping[str, object], above: str = "") -> Iterator[str]:
    for name, under in tree.items():
        if isinstance(under, Mapping):
            yield from list_leaves(under, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def test_no_alias_of_a_guarded_flag_passes() -> None:
    """What istioctl takes for a guarded path is that very path, or is refused: 5,000 spellings by its parsing rules."""
    aliases = {flag for path in GUARDED for flag in spell(path) if path in read_paths(flag)} - {
        f"{path}=1" for path in GUARDED
    }
    assert len(aliases) >= 5_000
    assert not [flag for flag in sorted(aliases) if not find_flag_fault(flag)]


@pytest.mark.parametrize("value", [*TRUTHS, "+1", "01", "1.0", "yes"])
def test_no_spelling_of_a_value_passes_either(value: str) -> None:
    """Whatever istioctl reads as true, as a number or as text."""
    with pytest.raises(GiveUp, match=r"mtls\.enabled"):
        build(asked=(f"values.global.mtls.enabled={value}",))


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("values.gateways.istio-egressgateway.enabled=true", "gateways.components.egressGateway.enabled"),
        ("values.pilot.autoscaleMin=2", "k8s.hpaSpec.minReplicas"),
    ],
)
def test_a_flag_that_installs_nothing_is_told_with_the_one_that_does(flag: str, meant: str) -> None:
    """Google's own page names the first of these."""
    (said,) = find_idle_flags([flag, "values.tracing.enabled=true"])
    assert meant in said
