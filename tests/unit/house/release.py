"""Build what a release consists of: `./dev release`."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
LIMIT = 300
# What an image is built from, besides the packages that the Dockerfile copies.
RECIPE = ("manifests/Dockerfile", "constraints-runtime.txt", "pyproject.toml", "README.md", "LICENSE")
PACKAGES = ("bot", "handlers", "steps")


def read_version(root: Path) -> str:
    """The version that is built."""
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def find_changelog_faults(text: str, version: str) -> list[str]:
    """What keeps the changelog from telling an operator of this version."""
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    dates = dict(headings)
    if not dates.get(version):
        return [f"CHANGELOG.md has no heading `## [{version}] - YYYY-MM-DD`: move what is under Unreleased there."]
    section = text.partition(f"## [{version}]")[2].partition("\n## [")[0]
    waiting = text.partition("## [Unreleased]")[2].partition("\n## [")[0]
    faults = [] if re.search(r"^- ", section, re.MULTILINE) else [f"CHANGELOG.md says nothing of {version}."]
    return [
        *faults,
        *([f"CHANGELOG.md has lines under Unreleased that {version} would not tell."] if "\n- " in waiting else []),
    ]


def find_tree_faults(root: Path) -> list[str]:
    """What is not committed is in no release."""
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True, timeout=LIMIT
    ).stdout
    return [f"Not committed: {line[3:]}" for line in status.splitlines()]


def build_release(root: Path, dist: Path) -> list[Path]:
    """Wheel, source archive, image recipe and SBOM of the tree, in `dist`."""
    dist.mkdir(parents=True, exist_ok=True)
    _run(root, "build", "--no-isolation", "--outdir", str(dist), ".")
    stem = f"asm-upgrade-bot-{read_version(root)}"
    with tarfile.open(dist / f"{stem}-image.tar.gz", "w:gz") as recipe:
        for name in (*RECIPE, *PACKAGES):
            recipe.add(root / name, f"{stem}/{name}", filter=_leave_caches)
    parts = ("requirements", "constraints-runtime.txt", "--pyproject", "pyproject.toml", "--of", "JSON")
    _run(root, "cyclonedx_py", *parts, "--output-file", str(dist / f"{stem}.cdx.json"))
    return sorted(dist.iterdir())


def _run(root: Path, module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=root, check=True, timeout=LIMIT, stdout=sys.stderr)


def _leave_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member


def main() -> None:
    """Build into dist/, or say what has to be done first."""
    faults = [*find_changelog_faults((ROOT / "CHANGELOG.md").read_text(), read_version(ROOT)), *find_tree_faults(ROOT)]
    if faults:
        sys.exit("\n".join(faults))
    for path in build_release(ROOT, ROOT / "dist"):
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
