from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.release.tools.rendering import NotRendered, render_components
from sandbox.release.tools.set_flags import BadFlag, coerced, path_of_key, split_flags, tree_of_flags

TARGET = "1.4.10-asm.18"
ASM = ["profile=asm", "values.global.meshID=proj-1"]
FILE = """\
apiVersion: install.istio.io/v1alpha2
kind: IstioControlPlane
spec:
  profile: asm
  values:
    global:
      proxy:
        accessLogFile: /dev/stdout
"""


def injected_values(components: dict[str, list[dict[str, object]]]) -> str:
    """Return the values text of the injector's ConfigMap."""
    (found,) = [made for made in components["Injector"] if "values" in (made.get("data") or {})]  # type: ignore[operator]
    data = found["data"]
    assert isinstance(data, dict)
    return str(data["values"])


def test_a_comma_splits_a_flag() -> None:
    """The trap of a flag that takes a list."""
    assert split_flags(["values.a=1,2"]) == ["values.a=1", "2"]


def test_quotes_keep_a_comma() -> None:
    """As in a CSV row."""
    assert split_flags(['"values.a=1,2"']) == ["values.a=1,2"]


@pytest.mark.parametrize("flag", ["values.a=b=c", "values.a", "values.a=1,2"])
def test_a_flag_needs_exactly_one_equals_sign(flag: str) -> None:
    """The fault is in istioctl's words."""
    with pytest.raises(BadFlag, match="expect format key=value"):
        tree_of_flags([flag])


def test_bars_colons_and_slashes_are_safe() -> None:
    """The guide's values pass unharmed."""
    tree = tree_of_flags(["values.a=https://x/y:1|2"])
    assert tree == {"values": {"a": "https://x/y:1|2"}}


def test_an_escaped_dot_is_none() -> None:
    """The key is cut there all the same: such keys belong into a file."""
    assert path_of_key(r"serviceAnnotations.cloud\.google\.com/x") == [
        "serviceAnnotations",
        "cloud\\",
        "google\\",
        "com/x",
    ]


@pytest.mark.parametrize("key", ["a.b", "./a.b", "c/../a.b", ".a.b.", "a..b", "a.b/", "a.b//"])
def test_a_key_has_many_spellings(key: str) -> None:
    """It is cleaned like a path, and empty parts are dropped."""
    assert path_of_key(key) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("FALSE", False), ("x", "x"), ("1_0", "1_0"), (" 1", " 1")],
)
def test_values_are_coerced(text: str, value: object) -> None:
    """Whole number, number, truth, text, in this order."""
    assert coerced(text) == value


def test_flags_beat_the_file(tmp_path: Path) -> None:
    """Merge order: profile, file, flags."""
    (tmp_path / "f.yaml").write_text(FILE)
    flags = ["values.global.proxy.accessLogFile=/dev/null"]
    rendered = render_components("1.4.10-asm.18", flags, str(tmp_path / "f.yaml"))
    assert '"accessLogFile": "/dev/null"' in injected_values(rendered)


def test_a_file_alone_chooses_its_profile(tmp_path: Path) -> None:
    """profile: asm in the file does what the flag does."""
    (tmp_path / "f.yaml").write_text(FILE)
    assert "NodeAgent" in render_components("1.4.10-asm.18", [], str(tmp_path / "f.yaml"))


def test_without_the_asm_profile_the_node_agent_is_disabled() -> None:
    """What makes a forgotten profile dangerous."""
    assert "NodeAgent" not in render_components("1.4.10-asm.18", ["values.global.meshID=proj-1"], "")


def test_base_comes_first() -> None:
    """The order of the components is the order of the apply."""
    assert next(iter(render_components("1.4.10-asm.18", ASM, ""))) == "Base"


@pytest.mark.parametrize("flag", ["values.global.mtls.enabled/=true", "unvalidatedValues.global.mtls.enabled=true"])
def test_a_flag_that_reads_otherwise_takes_effect(flag: str) -> None:
    """What a flag does shows in what is rendered, not in its text."""
    (policy,) = [made for made in render_components(TARGET, [*ASM, flag], "")["Pilot"] if made["kind"] == "MeshPolicy"]
    assert policy["spec"] == {"peers": [{"mtls": {}}]}


def test_a_value_alone_switches_no_component() -> None:
    """It is stored and nothing else; the component's own switch renders it, and is stored too."""
    stored = render_components(TARGET, [*ASM, "values.gateways.istio-egressgateway.enabled=true"], "")
    assert "EgressGateway" not in stored
    rendered = render_components(TARGET, [*ASM, "gateways.components.egressGateway.enabled=true"], "")
    assert "EgressGateway" in rendered
    assert injected_values(stored) == injected_values(rendered)


@pytest.mark.parametrize(
    ("flag", "component"),
    [
        ("autoInjection.enabled=false", "Injector"),
        ("security.components.nodeAgent.enabled=false", "NodeAgent"),
        ("traffic_management.enabled=false", "Pilot"),
    ],
)
def test_a_component_is_switched_off_by_its_own_switch(flag: str, component: str) -> None:
    """`values.pilot.enabled=false` and its like change stored text."""
    assert component not in render_components(TARGET, [*ASM, flag], "")
    assert component in render_components(TARGET, [*ASM, "values.pilot.enabled=false"], "")


def test_an_optional_component_is_enabled_by_its_flag() -> None:
    """As the page on optional features says."""
    assert "Prometheus" in render_components("1.4.10-asm.18", [*ASM, "values.prometheus.enabled=true"], "")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("profile=bookinfo", "could not read the profile values for bookinfo: unsupported Profile type: bookinfo"),
        ("valeus.a=1", "bad path=value: valeus.a=1"),
        ("values.globl.a=1", 'bad path=value (values.globl.a=1): unknown field "globl" in v1alpha1.Values'),
        ("Values.global.meshID=a", "bad path=value"),
        ("unvalidated_values.global.meshID=a", "bad path=value"),
        ("spec.profile=asm", "bad path=value"),
        ("values/.global=a", "bad path=value"),
        ("values.global.meshID=123", "json: cannot unmarshal number into Go value of type string"),
        ("values.global.mtls.enabled=maybe", "json: cannot unmarshal string into Go value of type bool"),
        ("values.global.meshID.deeper=a", "json: cannot unmarshal object into Go value of type string"),
        ("installPackagePath=https://elsewhere.example/istio-1.4.10.tar.gz", "Get https://elsewhere.example"),
        ("install_package_path=http://elsewhere.example/x", "Get http://elsewhere.example"),
        ("values.global=1", "json: cannot unmarshal number into Go value of type map[string]json.RawMessage"),
    ],
)
def test_what_the_schema_lacks_is_named(flag: str, message: str) -> None:
    """The sentence names the field."""
    with pytest.raises(NotRendered, match=re.escape(message)):
        render_components("1.4.10-asm.18", ["profile=asm", flag], "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "could not parse"),
        ("kind: Deployment", "no IstioControlPlane"),
        (FILE.replace("v1alpha2", "v1"), "is not install"),
        (FILE.replace("  values:", "  valus:"), 'unknown field "valus"'),
    ],
)
def test_a_file_that_is_no_control_plane_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The sentence says what is wrong with it."""
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(NotRendered, match=message):
        render_components("1.4.10-asm.18", [], str(tmp_path / "f.yaml"))
