"""The port `MeshTools`: istioctl and asmctl of an unpacked release as child programs."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bot.gateways.calls.faults import judge_disk
from bot.gateways.calls.files import write_once
from bot.gateways.programs.guarded_runs import GuardedRuns, check_program
from bot.gateways.programs.kubeconfigs import Kubeconfigs
from bot.gateways.programs.kubectl import find_kubectl, find_last_words, read_version
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.short_programs import run_program
from steps.contract.errors import GiveUp, StepError
from steps.contract.ports import (
    ApplyRequest,
    Kubectl,
    KubectlCall,
    ProgramResult,
    Recording,
    RunState,
    Tools,
    ToolVersions,
)
from steps.contract.record import Record
from steps.contract.redaction import redact
from steps.mesh import ClusterAddress

APPLY = ("manifest", "apply")
GENERATE = ("manifest", "generate")
# What a program gets of the bot's own environment, besides PATH and KUBECONFIG.
PASSED_ON = (
    "HOME",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUDSDK_CONFIG",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "TMPDIR",
)


class MeshToolsGateway:
    """Runs the tools under `folder`. One instance for the whole program, thread-safe.

    `environment` is the bot's own: its PATH is where kubectl is looked for. Limits are in seconds.
    """

    def __init__(
        self,
        folder: Path,
        kubeconfigs: Kubeconfigs,
        environment: Mapping[str, str],
        are_credentials_found: Callable[[], bool],
        runs: ProgramRuns | None = None,
        short_limit: float = 60.0,
        apply_limit: float = 1800.0,
        validate_limit: float = 900.0,
    ) -> None:
        self._folder = folder.absolute()
        self._kubeconfigs = kubeconfigs
        self._environment = environment
        self._are_credentials_found = are_credentials_found
        self._runs = runs or ProgramRuns(self._folder / "runs")
        self._short_limit = short_limit
        self._apply_limit = apply_limit
        self._validate_limit = validate_limit
        self._guarded = GuardedRuns(self._runs, kubeconfigs, environment, self._refresh_token, apply_limit)

    def read_versions(self, tools: Tools) -> ToolVersions:
        check_program(tools.istioctl, tools.istioctl_sha256)
        environment = self._compose_environment(tools, None)
        arguments = [str(tools.istioctl), "version", "--remote=false", "-o", "json"]
        istioctl = read_version("istioctl", run_program(arguments, environment, self._short_limit))
        return ToolVersions(istioctl, self.read_kubectl_version())

    def read_kubectl_version(self) -> str:
        kubectl = self._find_kubectl()
        if not kubectl:
            return ""
        arguments = [kubectl, "version", "--client", "-o", "json"]
        return read_version("kubectl", run_program(arguments, self._compose_environment(None, None), self._short_limit))

    def find_kubectl(self, server_version: str) -> Kubectl | None:
        return find_kubectl(self._environment.get("PATH", os.defpath), server_version, self._short_limit)

    def start_recording(self, run_id: str, address: ClusterAddress, request: ApplyRequest) -> None:
        self._guarded.start_recording(run_id, address, request)

    def read_recording(self, run_id: str) -> Recording:
        return self._guarded.read_recording(run_id)

    def start_guarded(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, record: Record, recorded_by: str
    ) -> None:
        self._guarded.start_guarded(run_id, address, request, record, recorded_by)

    def list_calls(self, run_id: str) -> tuple[KubectlCall, ...]:
        return self._guarded.list_calls(run_id)

    def render_manifest(self, tools: Tools, arguments: Sequence[str], overlays: Sequence[tuple[str, str]] = ()) -> str:
        check_program(tools.istioctl, tools.istioctl_sha256)
        rest = arguments[len(APPLY) :] if tuple(arguments[: len(APPLY)]) == APPLY else arguments
        command = [str(tools.istioctl), *GENERATE, *rest, *self._write_overlays(overlays)]
        printed = run_program(command, self._compose_environment(tools, None), self._short_limit)
        if printed.exit_code != 0 or not printed.output.strip():
            raise GiveUp(
                f"`istioctl manifest generate` ended with {printed.exit_code}: {find_last_words(printed)}",
                "Check the set flags and overlays of this upgrade against the message, then abort and start anew.",
            )
        return printed.output

    def dry_run(
        self, address: ClusterAddress, tools: Tools, arguments: Sequence[str], overlays: Sequence[tuple[str, str]] = ()
    ) -> ProgramResult:
        check_program(tools.istioctl, tools.istioctl_sha256)
        kubeconfig = self._kubeconfigs.write_kubeconfig(address)
        command = [*self._compose_apply(tools, arguments, overlays, kubeconfig), "--dry-run"]
        printed = run_program(command, self._compose_environment(tools, kubeconfig), self._short_limit, merged=True)
        return ProgramResult(printed.exit_code, redact(printed.output))

    def start_apply(
        self,
        run_id: str,
        address: ClusterAddress,
        tools: Tools,
        arguments: Sequence[str],
        overlays: Sequence[tuple[str, str]] = (),
    ) -> None:
        check_program(tools.istioctl, tools.istioctl_sha256)
        kubeconfig = self._kubeconfigs.write_kubeconfig(address)
        command = self._compose_apply(tools, arguments, overlays, kubeconfig)
        self._start(run_id, command, self._compose_environment(tools, kubeconfig), self._apply_limit)

    def start_validate(self, run_id: str, address: ClusterAddress, tools: Tools, arguments: Sequence[str]) -> None:
        check_program(tools.asmctl, tools.asmctl_sha256)
        kubeconfig = self._kubeconfigs.write_kubeconfig(address)
        environment = self._compose_environment(tools, kubeconfig)
        self._start(run_id, [str(tools.asmctl), *arguments], environment, self._validate_limit)

    def observe_run(self, run_id: str) -> RunState:
        self._refresh_token()
        try:
            return self._runs.observe(run_id)
        except OSError as error:
            raise judge_disk(error, self._folder) from error

    def has_default_credentials(self) -> bool:
        return self._are_credentials_found()

    def _start(self, run_id: str, command: Sequence[str], environment: Mapping[str, str], limit: float) -> None:
        try:
            self._runs.start(run_id, command, environment, limit, self._refresh_token)
        except OSError as error:
            raise judge_disk(error, self._folder) from error

    def _refresh_token(self) -> None:
        # A program that still runs has a token for some minutes yet; the next look tries again.
        with suppress(StepError):
            self._kubeconfigs.refresh_token()

    def _compose_apply(
        self, tools: Tools, arguments: Sequence[str], overlays: Sequence[tuple[str, str]], kubeconfig: Path
    ) -> list[str]:
        overlay_flags = self._write_overlays(overlays)
        return [str(tools.istioctl), *arguments, *overlay_flags, "--kubeconfig", str(kubeconfig)]

    def _write_overlays(self, overlays: Sequence[tuple[str, str]]) -> list[str]:
        """Overlays as files named by their content, so that a run that is repeated finds the same ones."""
        flags: list[str] = []
        folder = self._folder / "overlays"
        for _name, text in overlays:
            path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_once(path, text.encode())
            except OSError as error:
                raise judge_disk(error, path) from error
            flags += ["-f", str(path)]
        return flags

    def _compose_environment(self, tools: Tools | None, kubeconfig: Path | None) -> dict[str, str]:
        folders = [*([str(tools.folder / "bin")] if tools else []), *self._find_kubectl_folder(), "/usr/bin", "/bin"]
        environment = {name: self._environment[name] for name in PASSED_ON if name in self._environment}
        environment["PATH"] = os.pathsep.join(folders)
        environment["LANG"] = "C.UTF-8"
        if kubeconfig is not None:
            environment["KUBECONFIG"] = str(kubeconfig)
        return environment

    def _find_kubectl(self) -> str:
        return shutil.which("kubectl", path=self._environment.get("PATH", os.defpath)) or ""

    def _find_kubectl_folder(self) -> list[str]:
        kubectl = self._find_kubectl()
        return [str(Path(kubectl).parent.absolute())] if kubectl else []
