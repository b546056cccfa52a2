"""istioctl's apply, written down first and then passed on as it was written down."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.programs import guarded_runs
from bot.gateways.programs.guarded_runs import GuardedRuns, write_overlays
from bot.gateways.programs.kubeconfigs import Kubeconfigs
from bot.gateways.programs.kubectl_seam.run_folder import RunFolder
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import Places
from steps.contract.errors import GiveUp
from steps.contract.ports import ApplyRequest, Kubectl, NotStarted, ProgramEnded, Tools
from steps.contract.record import Record
from steps.mesh import ClusterAddress
from tests.unit.bot.gateways.loopback import write_kubeconfig
from tests.unit.bot.gateways.programs.kubectl_seam.rig import KUBECTL, UID, apply_of, made, stream
from tests.unit.bot.gateways.project import NoGke

SECONDS = 60.0
# Hands one component over, reads another one's objects, and tells what its environment is.
ISTIOCTL = """\
#!/bin/sh
kubectl get all -o yaml --all-namespaces --selector operator.istio.io/component=Kiali --kubeconfig "$KUBE" >/dev/null
kubectl {arguments} --kubeconfig "$KUBE" <{objects}
code=$?
echo "PATH is $PATH"
exit $code
"""


@dataclass(frozen=True)
class Bench:
    """Runs over programs of the test; `folder` holds them and what they leave."""

    folder: Path
    runs: ProgramRuns
    guarded: GuardedRuns
    address: ClusterAddress

    def request(self, text: str = "one", overlays: tuple[tuple[str, str], ...] = ()) -> ApplyRequest:
        """What istioctl is asked for; it hands over one ConfigMap with this text."""
        objects = self.folder / f"{text}.json"
        objects.write_bytes(stream(made("ConfigMap", "istio", data={"mesh": text})))
        script = ISTIOCTL.format(arguments=" ".join(apply_of("Pilot")), objects=objects)
        script = script.replace("#!/bin/sh\n", '#!/bin/sh\nfor KUBE in "$@"; do :; done\n')
        istioctl, kubectl = self.folder / f"istioctl-{text}", self.folder / "real" / "kubectl"
        istioctl.write_text(script)
        istioctl.chmod(0o755)
        tools = Tools("1.4.10-asm.18", self.folder, istioctl, istioctl, hash_of(istioctl), "0" * 64)
        found = Kubectl(kubectl, hash_of(kubectl), "1.20.2")
        return ApplyRequest(tools, found, UID, ("manifest", "apply"), overlays)

    def record(self, run_id: str, request: ApplyRequest, acting_for: str = "", *, looks: bool = True) -> Record:
        """Record to the end."""
        self.guarded.start_recording(run_id, self.address, request, acting_for, looks=looks)
        assert self.runs.wait_for_end(run_id, SECONDS)
        return self.guarded.read_recording(run_id).record

    def apply(self, run_id: str, request: ApplyRequest, record: Record, recorded_by: str) -> ProgramEnded:
        """Apply to the end."""
        self.guarded.start_apply(run_id, self.address, request, record, recorded_by)
        assert self.runs.wait_for_end(run_id, SECONDS)
        state = self.runs.observe(run_id)
        assert isinstance(state, ProgramEnded)
        return state

    def read(self, name: str) -> str:
        """What the real kubectl noted."""
        path = self.folder / "real" / name
        return path.read_text() if path.exists() else ""


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Give a bench whose real kubectl succeeds."""
    real = tmp_path / "real" / "kubectl"
    real.parent.mkdir()
    real.write_text(KUBECTL)
    real.chmod(0o755)
    (real.parent / "uid").write_text(UID)
    (real.parent / "code").write_text("0")
    address = ClusterAddress("cluster-x", kubeconfig=str(write_kubeconfig(tmp_path, "http://127.0.0.1:9")))
    kubeconfigs = Kubeconfigs(tmp_path / "kubeconfigs", NoGke(), GoogleCredentials())
    runs = ProgramRuns(tmp_path / "runs", Places(4, 1))
    environment = {"SLACK_BOT_TOKEN": "xoxb-secret", "HTTPS_PROXY": "http://proxy.example"}
    return Bench(tmp_path, runs, GuardedRuns(runs, kubeconfigs, environment, lambda: None, 600.0), address)


def test_a_recording_writes_down_and_changes_nothing(bench: Bench) -> None:
    """What was handed over is the record; the real kubectl saw the reads alone."""
    record = bench.record("recording", bench.request())
    assert [(call.component, len(call.objects)) for call in record.calls] == [("Pilot", 1)]
    assert [line.split()[0] for line in bench.read("calls").splitlines()] == ["get"]
    assert {call.verdict for call in bench.guarded.list_calls("recording")} == {"passed", "recorded"}


def test_a_recording_that_doesn_t_look_is_the_same(bench: Bench) -> None:
    """The real kubectl is not even started."""
    looked = bench.record("looking", bench.request())
    calls = bench.read("calls")
    assert bench.record("not-looking", bench.request(), looks=False).digest == looked.digest
    assert bench.read("calls") == calls


def test_what_was_recorded_is_passed_on(bench: Bench) -> None:
    """Byte for byte, without prune, force and selector, to the cluster of that UID."""
    request = bench.request()
    record = bench.record("recording", request)
    assert bench.apply("apply", request, record, "recording").exit_code == 0
    assert bench.read("stdin").encode() == (bench.folder / "one.json").read_bytes()
    applied = next(line for line in bench.read("calls").splitlines() if line.startswith("apply"))
    assert applied.startswith("apply -n istio-system -f - --kubeconfig ")


def test_what_was_not_recorded_is_refused(bench: Bench) -> None:
    """Another content ends with a sentence that the calls keep."""
    record = bench.record("recording", bench.request())
    ended = bench.apply("apply", bench.request("two"), record, "recording")
    calls = bench.guarded.list_calls("apply")
    assert ended.exit_code != 0
    assert [call.verdict for call in calls if call.is_write] == ["refused"]
    assert "not as approved" in next(call.sentence for call in calls if call.is_write)
    assert not any(line.startswith("apply") for line in bench.read("calls").splitlines())


def test_a_recording_that_was_changed_on_disk_is_not_used(bench: Bench) -> None:
    """The approved record and its bytes belong together."""
    request = bench.request()
    record = bench.record("recording", request)
    stdin = next((bench.folder / "runs" / "recording" / "kubectl" / "calls").glob("*/stdin"))
    stdin.write_bytes(stream(made("ConfigMap", "istio", data={"mesh": "evil"})))
    with pytest.raises(GiveUp, match="not on disk as it was approved"):
        bench.guarded.start_apply("apply", bench.address, request, record, "recording")


def test_istioctl_sees_one_folder_and_no_secrets(bench: Bench) -> None:
    """Its PATH is ours, and nothing of the bot's environment is in it; kubectl gets the proxy."""
    bench.record("recording", bench.request())
    state = bench.runs.observe("recording")
    assert isinstance(state, ProgramEnded)
    assert f"PATH is {bench.folder / 'runs' / 'recording' / 'kubectl' / 'bin'}\n" in state.output
    environment = bench.read("environment")
    assert "xoxb-secret" not in environment
    assert "HTTPS_PROXY=http://proxy.example" in environment


def test_a_run_that_was_prepared_and_never_begun_is_prepared_anew(bench: Bench) -> None:
    """The bot was killed in between."""
    left = bench.folder / "runs" / "recording" / "kubectl"
    left.mkdir(parents=True)
    (left / "rules.json").write_text("{}")
    assert bench.record("recording", bench.request()).calls


def test_a_run_begins_once(bench: Bench) -> None:
    """Also where it is asked for again after its end."""
    request = bench.request()
    first = bench.record("recording", request)
    assert bench.record("recording", request) == first
    assert len(bench.read("calls").splitlines()) == 1


def test_only_a_recording_acts_for_somebody_else(bench: Bench) -> None:
    """By its own kubeconfig; the apply that follows is the account's."""
    request = bench.request()
    record = bench.record("recording", request, "viewer")
    bench.apply("apply", request, record, "recording")
    folders = {run_id: bench.runs.find_folder(run_id) / "kubectl" for run_id in ("recording", "apply")}
    users = {
        run_id: json.loads((folder / "kubeconfig.json").read_text())["users"][0]["user"]
        for run_id, folder in folders.items()
    }
    assert users["recording"] == {**users["apply"], "as": "viewer"}


def test_an_istioctl_that_changed_is_not_run(bench: Bench) -> None:
    """Its hash is that of the unpacked archive."""
    request = bench.request()
    request.tools.istioctl.write_text("#!/bin/sh\n")
    with pytest.raises(GiveUp, match="changed on disk after it was verified"):
        bench.guarded.start_recording("recording", bench.address, request, "", looks=True)


def test_a_folder_that_changed_before_the_start_is_not_used(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing starts, neither istioctl nor what stands in kubectl's place."""

    def touch(folder: RunFolder, request: ApplyRequest) -> list[Path]:
        (folder.path / "guard.py").write_text("print('anything')\n")
        return write_overlays(folder, request)

    monkeypatch.setattr(guarded_runs, "write_overlays", touch)
    with pytest.raises(GiveUp, match="was changed after it was prepared"):
        bench.guarded.start_recording("recording", bench.address, bench.request(), "", looks=True)
    assert isinstance(bench.runs.observe("recording"), NotStarted)


def test_a_kubectl_that_changed_is_not_called(bench: Bench) -> None:
    """The guard looks at each call."""
    request = bench.request()
    changed = replace(request, kubectl=replace(request.kubectl, sha256="0" * 64))
    bench.guarded.start_recording("recording", bench.address, changed, "", looks=True)
    assert bench.runs.wait_for_end("recording", SECONDS)
    calls = bench.guarded.list_calls("recording")
    assert any("kubectl was changed on disk" in call.sentence for call in calls)


def test_overlays_lie_in_the_runs_own_folder(bench: Bench) -> None:
    """Named by their whole hash, for this user alone."""
    text = json.dumps({"spec": {}})
    bench.record("recording", bench.request(overlays=(("a.yaml", text),)))
    name = f"{hashlib.sha256(text.encode()).hexdigest()}.yaml"
    path = bench.folder / "runs" / "recording" / "kubectl" / name
    assert path.read_text() == text
    assert path.stat().st_mode & 0o077 == 0
    assert path.stat().st_uid == os.getuid()


def test_a_run_that_was_never_prepared_has_no_calls(bench: Bench) -> None:
    """Nothing to tell yet."""
    assert bench.guarded.list_calls("nothing") == ()
