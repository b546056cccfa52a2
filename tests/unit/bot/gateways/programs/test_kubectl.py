"""The kubectl that is found on the bot's machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.gateways.programs.kubectl import find_kubectl
from steps.contract.errors import GiveUp

LIMIT = 20.0


def write_kubectl(path: Path, version: str) -> Path:
    """A kubectl that tells its version, and nothing to whoever hands it credentials."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = f'{{"clientVersion": {{"gitVersion": "{version}"}}}}'
    path.write_text(f"#!/bin/sh\n[ -z \"$KUBECONFIG$GOOGLE_APPLICATION_CREDENTIALS\" ] || exit 9\necho '{told}'\n")
    path.chmod(0o755)
    return path


def test_it_is_named_by_its_own_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are resolved, and its hash is that of the file at their end."""
    monkeypatch.setenv("KUBECONFIG", "secret")
    real = write_kubectl(tmp_path / "opt" / "kubectl-1.27", "v1.27.1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").symlink_to(real)
    found = find_kubectl(str(tmp_path / "bin"), "v1.20.2", LIMIT)
    assert found is not None
    assert (found.path, found.version) == (real.resolve(), "1.27.1")
    assert found.sha256 == hashlib.sha256(real.read_bytes()).hexdigest()


@pytest.mark.parametrize(("server", "chosen"), [("v1.16.15-gke.6000", "1.18"), ("v1.21.3", "1.22"), ("", "1.18")])
def test_a_dispatcher_is_resolved_to_the_version_nearest_to_the_server(
    tmp_path: Path, server: str, chosen: str
) -> None:
    """gcloud's kubectl runs one of those beside it."""
    write_kubectl(tmp_path / "kubectl", "v1.32.4-dispatcher")
    for minor in ("1.18", "1.22", "1.32"):
        write_kubectl(tmp_path / f"kubectl.{minor}", f"v{minor}.1")
    found = find_kubectl(str(tmp_path), server, LIMIT)
    assert found is not None
    assert (found.path.name, found.version) == (f"kubectl.{chosen}", f"{chosen}.1")


def test_a_dispatcher_alone_is_told(tmp_path: Path) -> None:
    """There is nothing that it could run."""
    write_kubectl(tmp_path / "kubectl", "v1.32.4-dispatcher")
    with pytest.raises(GiveUp, match=r"no kubectl\.1\.NN beside it"):
        find_kubectl(str(tmp_path), "v1.20.2", LIMIT)


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    """An empty search path."""
    assert find_kubectl(str(tmp_path), "", LIMIT) is None


def test_one_that_doesn_t_work_is_quoted(tmp_path: Path) -> None:
    """With its last words."""
    write_kubectl(tmp_path / "kubectl", "v1").write_text("#!/bin/sh\necho 'cannot run here' >&2; exit 3\n")
    with pytest.raises(GiveUp, match=r"exit code 3\): cannot run here"):
        find_kubectl(str(tmp_path), "", LIMIT)
