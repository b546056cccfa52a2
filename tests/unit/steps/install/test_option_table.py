"""The options of the earlier install beside what will be applied."""

from __future__ import annotations

from typing import get_args

import pytest

from steps.contract.options import MtlsMode, Overlay, UpgradeOptions
from steps.install.flags import build_apply_arguments
from steps.install.option_table import compare_mtls, compare_options, list_changed_options
from tests.unit.steps.builders import make_identity, read_shipped_release

TRACING, LOG = "values.tracing.enabled", "values.global.proxy.accessLogFile"
SPEC = "spec: {values: {tracing: {enabled: false}}}"
OVERLAY = Overlay("own.yaml", f"apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\n{SPEC}\n")


@pytest.mark.parametrize(
    ("earlier", "asked", "overlays", "lines"),
    [
        ((), (), (), ()),
        ((f"{TRACING}=true",), (), (), (f"kept: {TRACING}=true",)),
        ((f"{TRACING}=true",), (f"{TRACING}=true",), (), (f"kept: {TRACING}=true",)),
        ((f"{TRACING}=true",), (f"{TRACING}=false",), (), (f"changed: {TRACING}=false, was true",)),
        ((f"{TRACING}=true",), (), (OVERLAY,), (f"changed: {TRACING}=false, was true",)),
        ((), (), (OVERLAY,), (f"added: {TRACING}=false",)),
        (
            (f"{TRACING}=true",), (f"{LOG}=/dev/stdout",), (),
            (f"kept: {TRACING}=true", f"added: {LOG}=/dev/stdout"),
        ),
    ],
)  # fmt: skip
def test_each_option_is_said_once_with_what_becomes_of_it(
    earlier: tuple[str, ...], asked: tuple[str, ...], overlays: tuple[Overlay, ...], lines: tuple[str, ...]
) -> None:
    """By what istioctl will really be given; what the guide alone sets is nobody's choice."""
    options = UpgradeOptions(set_flags=asked, overlays=overlays)
    arguments = build_apply_arguments(read_shipped_release(), make_identity(), options, "PERMISSIVE", earlier)
    assert compare_options(earlier, arguments, overlays, asked) == lines


def test_what_is_not_handed_over_any_more_is_lost() -> None:
    """Whatever the reason; it stands with the changed ones among the risks."""
    lines = compare_options((f"{TRACING}=true", f"{LOG}=/dev/stdout"), ("--set", f"{LOG}=/dev/stdout"), (), ())
    assert lines == (f"lost: {TRACING}=true", f"kept: {LOG}=/dev/stdout")
    assert list_changed_options(lines) == (f"lost: {TRACING}=true",)


@pytest.mark.parametrize("mode", get_args(MtlsMode))
def test_the_mtls_mode_has_a_line_of_its_own(mode: MtlsMode) -> None:
    """Kept or changed."""
    assert compare_mtls(mode, mode) == f"kept: mTLS {mode}"
    other: MtlsMode = "STRICT" if mode == "PERMISSIVE" else "PERMISSIVE"
    assert compare_mtls(mode, other).startswith(f"changed: mTLS {other}, was {mode}")
