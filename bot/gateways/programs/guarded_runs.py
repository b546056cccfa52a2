"""istioctl's apply as runs of its own: one that only writes down, and one that passes on what was written down."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.gateways.calls.faults import judge_disk
from bot.gateways.programs.kubeconfigs import Kubeconfigs
from bot.gateways.programs.kubectl_seam import recording as recordings
from bot.gateways.programs.kubectl_seam.call_log import LoggedCall, list_forbidden, read_calls
from bot.gateways.programs.kubectl_seam.guard import CallRefused
from bot.gateways.programs.kubectl_seam.rules import BoundFile, Ground, RunLimits
from bot.gateways.programs.kubectl_seam.run_folder import (
    RunFolder,
    check_run_folder,
    prepare_guarding,
    prepare_recording,
)
from bot.gateways.programs.long_programs import ProgramRuns, refuse_place
from bot.gateways.releases.signatures import hash_file
from steps.contract.errors import GiveUp
from steps.contract.ports import ApplyRequest, KubectlCall, NotStarted, PlacesTaken, Recording
from steps.contract.record import Record
from steps.mesh import ClusterAddress

RECORDING_SECONDS = 300.0
# What kubectl gets of the bot's own environment: the way out, and what plugins for credentials need.
PASSED_ON = (
    "PATH", "GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "CLOUDSDK_CONFIG", "HTTPS_PROXY", "HTTP_PROXY",
    "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "SSL_CERT_FILE",
)  # fmt: skip
REMEDY = "Retry records anew what istioctl hands over."


@dataclass(frozen=True)
class GuardedPlace:
    """Where a run stands: `seam` is made before istioctl starts, `lock` is what istioctl holds while it runs."""

    run_id: str
    folder: Path

    @property
    def seam(self) -> RunFolder:
        """The folder of our kubectl and its rules."""
        return RunFolder(self.folder / "kubectl")

    @property
    def lock(self) -> Path:
        """The lock of the run."""
        return self.folder / "lock"


class GuardedRuns:
    """Prepares, starts and reads such runs. `environment` is the bot's own; `limit_seconds` is for an apply."""

    def __init__(
        self,
        runs: ProgramRuns,
        kubeconfigs: Kubeconfigs,
        environment: Mapping[str, str],
        keep_alive: Callable[[], None],
        limit_seconds: float,
    ) -> None:
        self._runs = runs
        self._kubeconfigs = kubeconfigs
        self._environment = environment
        self._keep_alive = keep_alive
        self._limit_seconds = limit_seconds

    def start_recording(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, acting_for: str, *, looks: bool
    ) -> None:
        """Start a run that only writes down, and reads as somebody else where `acting_for` names one."""
        place = self._place(run_id)
        if not self._is_fresh(place):
            return
        limits = RunLimits(time.monotonic() + RECORDING_SECONDS, RECORDING_SECONDS / 5, looks)
        folder = prepare_recording(place.seam.path, place.lock, self._lay_ground(address, request, acting_for), limits)
        self._start(place, folder, request, RECORDING_SECONDS)

    def start_apply(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, record: Record, recorded_by: str
    ) -> None:
        """Start a run that passes on the record's own bytes."""
        place = self._place(run_id)
        if not self._is_fresh(place):
            return
        approved = self._read_approved(record, recorded_by)
        limits = RunLimits(time.monotonic() + self._limit_seconds)
        folder = prepare_guarding(place.seam.path, place.lock, self._lay_ground(address, request), limits, approved)
        self._start(place, folder, request, self._limit_seconds)

    def read_recording(self, run_id: str) -> Recording:
        """What a recording wrote down. Raises GiveUp where a call is no list of objects."""
        found = _read_back(self._place(run_id).seam.calls)
        return Recording(found.recording.record, tuple(_describe(call) for call in found.calls))

    def list_calls(self, run_id: str) -> tuple[KubectlCall, ...]:
        """The calls of a run in order; none where it wasn't prepared."""
        calls = self._place(run_id).seam.calls
        return tuple(_describe(call) for call in read_calls(calls)) if calls.exists() else ()

    def _is_fresh(self, place: GuardedPlace) -> bool:
        """Whether the run was never begun; what was prepared for it and never used is cleared away."""
        state = self._runs.observe(place.run_id)
        if isinstance(state, PlacesTaken):
            raise refuse_place(state)
        if not isinstance(state, NotStarted):
            return False
        try:
            if place.seam.path.exists():
                shutil.rmtree(place.seam.path)
        except OSError as error:
            raise judge_disk(error, place.seam.path) from error
        return True

    def _read_approved(self, record: Record, recorded_by: str) -> recordings.HandedOver:
        found = _read_back(self._place(recorded_by).seam.calls).recording
        if found.record.calls != record.calls:
            raise GiveUp(f"the recording {recorded_by} is not on disk as it was approved", REMEDY)
        return replace(found, record=record)

    def _lay_ground(self, address: ClusterAddress, request: ApplyRequest, acting_for: str = "") -> Ground:
        kubectl = BoundFile(request.kubectl.path, request.kubectl.sha256)
        content = json.dumps(self._kubeconfigs.describe(address, acting_for), indent=1).encode()
        environment = {name: self._environment[name] for name in PASSED_ON if name in self._environment}
        return Ground(kubectl, content, request.cluster_uid, {**environment, "LANG": "C.UTF-8"})

    def _start(self, place: GuardedPlace, folder: RunFolder, request: ApplyRequest, limit: float) -> None:
        """istioctl gets one folder on its PATH, and nothing else in its environment."""
        check_program(request.tools.istioctl, request.tools.istioctl_sha256)
        overlays = [part for path in write_overlays(folder, request) for part in ("-f", str(path))]
        command = [str(request.tools.istioctl), *request.arguments, *overlays, "--kubeconfig", str(folder.kubeconfig)]
        environment = {"PATH": str(folder.bin), "HOME": str(folder.home), "LANG": "C.UTF-8"}
        check_run_folder(folder)
        try:
            self._runs.start(place.run_id, command, environment, limit, self._keep_alive)
        except OSError as error:
            raise judge_disk(error, folder.path) from error

    def _place(self, run_id: str) -> GuardedPlace:
        return GuardedPlace(run_id, self._runs.find_folder(run_id))


def write_overlays(folder: RunFolder, request: ApplyRequest) -> list[Path]:
    """The overlays in the run's own folder, named by their content; read back before they are used."""
    written = []
    for _name, text in request.overlays:
        content = text.encode()
        path = folder.path / f"{hashlib.sha256(content).hexdigest()}.yaml"
        try:
            path.touch(mode=0o600)
            path.write_bytes(content)
            if path.read_bytes() != content:
                raise GiveUp(f"{path} was changed while it was written", REMEDY)
        except OSError as error:
            raise judge_disk(error, path) from error
        written.append(path)
    return written


def check_program(path: Path, sha256: str) -> None:
    """Refuse a program that changed since it was unpacked."""
    try:
        found = hash_file(path)
    except OSError as error:
        raise judge_disk(error, path) from error
    if found != sha256:
        raise GiveUp(
            f"{path.name} was changed on disk after it was verified (SHA-256 was {sha256}, is {found})",
            "Find out who changed it. Remove the bot's folder of unpacked releases, then abort and start anew.",
        )


def _read_back(calls: Path) -> recordings.ReadBack:
    try:
        return recordings.read_recording(calls)
    except CallRefused as refused:
        raise GiveUp(f"what istioctl handed over is no list of objects: {refused}", REMEDY) from refused


def _describe(call: LoggedCall) -> KubectlCall:
    return KubectlCall(
        verb=call.verb,
        component=call.component,
        verdict=call.verdict,
        exit_code=call.exit_code,
        sentence=call.sentence,
        stdout=call.stdout,
        stderr=call.stderr,
        attempts=call.attempts,
        forbidden=list_forbidden(call),
    )
