"""Settings and clusters.toml: every fault at once, each in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings.clusters import FIELDS, parse_clusters
from bot.settings.environment import SETTINGS, ConfigError, read_settings
from bot.settings.option_fields import check_label

GOOD = """
[clusters.cluster-x]
project = "example-project"
location = "us-central1-a"
name = "cluster-x"
channel = "C0MESHOPS1"
"""


def test_a_small_file_is_enough() -> None:
    """Everything else has a default."""
    clusters, faults = parse_clusters(GOOD, Path("clusters.toml"))
    assert (faults, clusters["cluster-x"].policy.production) == ([], True)


def test_defaults_hold_where_a_cluster_says_nothing() -> None:
    """[defaults] is taken by every cluster."""
    clusters, _ = parse_clusters('[defaults]\napprovers = ["U0BEN00002"]\n' + GOOD, Path("clusters.toml"))
    assert clusters["cluster-x"].policy.approvers == {"U0BEN00002"}


def test_every_field_wrong_is_reported_at_once() -> None:
    """One look at the file mends it all."""
    wrong = "[clusters.cluster-x]\n" + "".join(f"{field.name} = 2026-01-01\n" for field in FIELDS)
    _, faults = parse_clusters(wrong, Path("clusters.toml"))
    missing = [field.name for field in FIELDS if not any(f"[clusters.cluster-x] {field.name} " in f for f in faults)]
    assert missing == []


def test_endpoints_are_kept_in_their_order() -> None:
    """The preferred one first; all three by default."""
    clusters, faults = parse_clusters(GOOD + 'endpoints = ["private", "dns"]\n', Path("clusters.toml"))
    assert faults == []
    assert clusters["cluster-x"].address.endpoints == ("private", "dns")


@pytest.mark.parametrize("given", ["[]", '["dns", "dns"]', '["vpn"]', '"dns"'])
def test_endpoints_that_gke_lacks_are_named(given: str) -> None:
    """With those that there are."""
    _, faults = parse_clusters(GOOD + f"endpoints = {given}\n", Path("clusters.toml"))
    assert faults == [
        "clusters.toml: [clusters.cluster-x] endpoints must be a list of dns, public, private, each once."
    ]


def test_an_unknown_field_is_named() -> None:
    """A typing error does not pass silently."""
    _, faults = parse_clusters(GOOD + 'aprovers = ["U0BEN00002"]\n', Path("clusters.toml"))
    assert faults[0].startswith(
        "clusters.toml: [clusters.cluster-x] has aprovers (did you mean `approvers`?), which is not one of project"
    )


def test_broken_toml_says_where() -> None:
    """The parser's own line and column are kept."""
    _, faults = parse_clusters("[clusters.x\n", Path("clusters.toml"))
    assert faults[0].startswith("clusters.toml is not TOML:")


def test_missing_settings_are_reported_together(tmp_path: Path) -> None:
    """Tokens and files in one go."""
    with pytest.raises(ConfigError) as caught:
        read_settings({"ASM_UPGRADE_CLUSTERS": str(tmp_path / "none.toml"), "ASM_UPGRADE_RETRY_CAP": "soon"})
    assert [fault.split()[0] for fault in caught.value.faults] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "ASM_UPGRADE_CLUSTERS",
        "ASM_UPGRADE_RETRY_CAP",
    ]


def test_an_overlay_that_is_none_is_named(tmp_path: Path) -> None:
    """Seen when the bot starts, not when an upgrade comes to it."""
    (tmp_path / "bad.yaml").write_text("a: [")
    _, faults = parse_clusters(GOOD + 'overlays = ["bad.yaml"]\n', tmp_path / "clusters.toml")
    assert faults[0].startswith("clusters.toml: [clusters.cluster-x] overlays names bad.yaml, which is not YAML")


def test_a_clusters_file_of_other_bytes_is_named(tmp_path: Path) -> None:
    """Somebody saved it as UTF-16."""
    path = tmp_path / "clusters.toml"
    path.write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(ConfigError) as caught:
        read_settings({"SLACK_BOT_TOKEN": "a", "SLACK_APP_TOKEN": "b", "ASM_UPGRADE_CLUSTERS": str(path)})
    assert "which is not UTF-8" in caught.value.faults[0]


NUMBERS = [setting.name for setting in SETTINGS if setting.default.replace(".", "", 1).isdigit()]


@pytest.mark.parametrize("value", ["1e300", "nan", "inf", "-inf", "-1e300", "9" * 5000, "²", "0x10", "1_000", "soon"])
@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_ends_the_start_with_a_fault(name: str, value: str, tmp_path: Path) -> None:
    """It counts, or it is told with its name."""
    (tmp_path / "clusters.toml").write_text(GOOD)
    with pytest.raises(ConfigError) as told:
        read_settings({"ASM_UPGRADE_CLUSTERS": str(tmp_path / "clusters.toml"), name: value})
    if value != "1_000":
        assert any(fault.startswith(f"{name} is ") for fault in told.value.faults)


@pytest.mark.parametrize("name", [item.name for item in FIELDS if len(item.name) > 3])
def test_a_mistyped_field_is_answered_with_the_field(name: str) -> None:
    """Of each field: two letters swapped."""
    slip = name[:1] + name[2] + name[1] + name[3:]
    _, faults = parse_clusters(GOOD + f'"{slip}" = 1\n', Path("clusters.toml"))
    assert slip == name or f"(did you mean `{name}`?)" in faults[0]


@pytest.mark.parametrize("label", ["", "team", "team=shop", "example.com/by-hand=yes", "a.b/c="])
def test_a_label_is_taken(label: str) -> None:
    """A key, or a key with its value."""
    assert check_label(label) == ""


@pytest.mark.parametrize("label", ["=", "=shop", "a b", "team==shop", "a/b/c", "-team", 7, None, ["team"], "team=a,b"])
def test_what_is_no_label_is_said(label: object) -> None:
    """Before an upgrade looks for pods that carry it."""
    assert "must be a label" in check_label(label)
