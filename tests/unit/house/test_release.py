"""`./dev release` builds all of a release, and only once the changelog tells of it."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.unit.house.release import find_changelog_faults, read_version

HEAD = "# Changelog\n\n## [Unreleased]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEAD}\n### Added\n\n- A line.\n", "no heading `## [0.2.0] - YYYY-MM-DD`"),
        (f"{HEAD}\n## [0.2.0]\n\n- A line.\n", "no heading"),
        (f"{HEAD}\n## [0.2.0] - 2026-12-01\n\n## [0.1.0] - 2026-11-01\n\n- A line.\n", "says nothing of 0.2.0"),
        (f"{HEAD}\n- Late.\n\n## [0.2.0] - 2026-12-01\n\n- A line.\n", "under Unreleased"),
    ],
)
def test_an_untold_release_is_not_built(text: str, told: str) -> None:
    """With what has to be done."""
    (fault,) = find_changelog_faults(text, "0.2.0")
    assert told in fault


def test_a_told_release_is_built() -> None:
    """Its own heading, with a date and a line."""
    assert find_changelog_faults(f"{HEAD}\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- A line.\n", "0.2.0") == []


def test_a_release_has_its_four_parts(project_root: Path, release: Path) -> None:
    """Wheel, source archive, image recipe, and an SBOM that names what the bot is installed with."""
    version = read_version(project_root)
    names = sorted(path.name for path in release.iterdir())
    assert names == [
        f"asm-upgrade-bot-{version}-image.tar.gz",
        f"asm-upgrade-bot-{version}.cdx.json",
        f"asm_upgrade_bot-{version}-py3-none-any.whl",
        f"asm_upgrade_bot-{version}.tar.gz",
    ]
    components = json.loads((release / names[1]).read_text())["components"]
    assert {"slack-bolt", "kubernetes", "cryptography"} <= {one["name"] for one in components}
    with tarfile.open(release / names[0]) as recipe:
        parts = {Path(name).parts[1] for name in recipe.getnames()}
    assert parts == {
        "manifests",
        "constraints-runtime.txt",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "bot",
        "handlers",
        "steps",
    }
