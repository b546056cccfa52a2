"""What istioctl says where kubectl can't do its part."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.contracts.istioctl.bench import GUIDE, REFUSED_TOKEN, Bench, Ran

END = "✘ Errors were logged during apply operation. Please check component installation logs above."
LAST = "Failed to generate and apply manifests, error: errors were logged during apply operation\n"


def test_an_unreachable_server(bench: Bench, tmp_path: Path) -> None:
    """kubectl's sentence, for each component."""
    config = json.loads(bench.viewer.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    ran = apply_with(bench, config, tmp_path)
    assert (ran.code, ran.errors) == (255, LAST)
    assert END in ran.out
    said = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port? (repeated 1"
    for component in ("Pilot", "Kiali"):
        assert said in block(ran, component)


def test_a_refused_token(bench: Bench, tmp_path: Path) -> None:
    """Base has no line of its own that it failed."""
    config = json.loads(bench.viewer.read_text())
    config["users"][0]["user"]["token"] = REFUSED_TOKEN
    ran = apply_with(bench, config, tmp_path)
    assert (ran.code, ran.errors) == (255, LAST)
    assert "error: You must be logged in to the server (" in block(ran, "Pilot")
    assert "error: You must be logged in to the server (" in block(ran, "Kiali")
    assert "✘ Finished applying manifest for component Pilot." in ran.out
    assert "Finished applying manifest for component Base." not in ran.out


def test_a_forbidden_write(bench: Bench) -> None:
    """One error an object, the cause in the last line of each."""
    ran = apply_with(bench, json.loads(bench.viewer.read_text()), bench.folder)
    assert ran.code == 255
    said = block(ran, "Galley")
    assert re.search(r"^Error from server \(Forbidden\): error when ", said, re.MULTILINE)
    assert re.search(r'^(from server )?for: "STDIN": .+ is forbidden: User "', said, re.MULTILINE)


def test_without_kubectl_nothing_is_applied(bench: Bench) -> None:
    """istioctl has no other way to write."""
    arguments = ("manifest", "apply", *(part for flag in GUIDE for part in ("--set", flag)))
    ran = bench.run(*arguments, "--kubeconfig", str(bench.admin))
    assert ran.code == 255
    assert 'exec: "kubectl": executable file not found in $PATH' in ran.out


def apply_with(bench: Bench, config: object, folder: Path) -> Ran:
    """Apply by another kubeconfig, with the real kubectl on PATH."""
    kubeconfig = folder / "other.json"
    kubeconfig.write_text(json.dumps(config))
    other = Bench(bench.programs, kubeconfig, kubeconfig, bench.folder / "other", bench.api)
    other.folder.mkdir(exist_ok=True)
    return other.install(*GUIDE)


def block(ran: Ran, component: str) -> str:
    """What was said of one component."""
    head = f"Component {component} - manifest apply returned the following errors:\n"
    assert head in ran.out
    return re.split(r"^(?:Component |✘ Errors)", ran.out.partition(head)[2], flags=re.MULTILINE)[0]
