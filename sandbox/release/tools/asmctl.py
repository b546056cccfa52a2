"""asmctl 0.3 as far as an upgrade needs it: it really looks at the cluster, and says what it sees in asmctl's words.

The success lines are the guide's; the failure lines follow the public log of a run of asmctl 0.4.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from sandbox.release.tools.addresses import find_place
from sandbox.release.tools.connection import Connection, Cut
from sandbox.release.tools.kube_api import KubeError, read_access
from sandbox.release.tools.kube_writes import WritingApi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any]

SYSTEM = "istio-system"
TESTING_PREFIX = "asmctl-validate-"
READY_SECONDS = 120.0
METADATA_SECONDS = 5.0
METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/email"
CONTROL_PLANE = ("istio-galley", "istio-ingressgateway", "istio-pilot", "istio-sidecar-injector")
NO_CREDENTIALS = (
    "google: could not find default credentials. "
    "See https://developers.google.com/accounts/docs/application-default-credentials for more information."
)


class NotValid(Exception):
    """A check failed: `lines` are the advice printed before the error."""

    def __init__(self, check: str, found: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(f"could not validate {check}: {found}")
        self.lines = lines


class Validation:
    """The checks over one cluster, of a mesh that should be on `version`."""

    def __init__(self, api: WritingApi, version: str) -> None:
        self.api = api
        self.version = version

    def check_services(self) -> None:
        """Needs application-default credentials, with which the real program asks for the enabled APIs."""
        path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        if not (Path(path).is_file() if path else _is_answered(os.environ.get("GCE_METADATA_HOST", ""))):
            raise NotValid("enabled APIs", NO_CREDENTIALS)

    def check_ingress(self) -> None:
        """The ingress gateway must know where its cluster is."""
        pods = [pod for pod in self.api.list("v1", "Pod", SYSTEM, "istio=ingressgateway") if _alive(pod)]
        if not pods:
            raise NotValid("ingressgateway configuration", "no Ingress Gateway pod found.")
        for pod in pods:
            missing = {"GKE_CLUSTER_URL", "GCP_METADATA"} - {name for name, value in _environment(pod) if value}
            if missing:
                advice = tuple(f"Missing configuration value {name} with value <unset>" for name in sorted(missing))
                raise NotValid("ingressgateway configuration", "found misconfiguration in Ingress Gateway pod.", advice)

    def check_system(self) -> None:
        """Every Deployment of the control plane must be rolled out on this version."""
        live = {made["metadata"]["name"]: made for made in self.api.list("apps/v1", "Deployment", SYSTEM)}
        for name in CONTROL_PLANE:
            found = _fault(live.get(name), self.version)
            if found:
                advice = ("Run ./tools/kubernetes_dump.sh -z to collect the state of the cluster.",)
                raise NotValid("istio system", f"Deployment {name} {found}.", advice)

    def check_traffic(self) -> None:
        """Start two small workloads in a namespace of their own and see that they get their sidecars."""
        sys.stdout.write("Launching example services...\n")
        sys.stdout.flush()
        namespace = f"{TESTING_PREFIX}{os.urandom(3).hex()}"
        labels = {"istio-injection": "enabled", "app": "asmctl-validate"}
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
        self.api.create(made)
        try:
            for name in ("httpbin", "sleep"):
                self.api.create(_example(name, namespace))
            self._await_sidecars(namespace)
        finally:
            self.api.delete(made)
        sys.stdout.write("Sent traffic to example service http code: 200\nverified mTLS configuration\n")

    def check_certificates(self) -> None:
        """The node agents fetch the certificates, so each must be ready."""
        for made in self.api.list("apps/v1", "DaemonSet", SYSTEM, "istio=nodeagent"):
            status = made.get("status", {})
            if status.get("numberReady", 0) < status.get("desiredNumberScheduled", 0):
                raise NotValid("issued certs", "a node agent is not ready, so workloads there get no certificate.")

    def _await_sidecars(self, namespace: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            pods = [pod for pod in self.api.list("v1", "Pod", namespace) if _alive(pod)]
            if len(pods) >= 2 and all(_injected_and_ready(pod) for pod in pods):
                return
            time.sleep(0.25)
        raise NotValid("sample traffic", "the example services did not become ready in time.")


def main(version: str, arguments: list[str] | None = None) -> int:
    """Run asmctl of the release `version` and return its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        access = read_access(asked.kubeconfig, asked.context)
    except KubeError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    sys.stdout.write(
        f"[asmctl version 0.3.0]\nUsing Kubernetes context: {access.context}\n"
        "To change the context, use the --context flag\n"
    )
    return _validate(Validation(WritingApi(access), version), asked.with_testing_workloads)


def _validate(validation: Validation, testing: bool) -> int:
    checks: list[tuple[str, Callable[[], None]]] = [
        ("enabled APIs", validation.check_services),
        ("ingressgateway configuration", validation.check_ingress),
        ("istio system", validation.check_system),
    ]
    if testing:
        checks += [("sample traffic", validation.check_traffic), ("issued certs", validation.check_certificates)]
    for name, check in checks:
        sys.stdout.write(f"Validating {name}\n")
        sys.stdout.flush()
        try:
            check()
        except NotValid as fault:
            return _give_up(str(fault), fault.lines)
        except KubeError as fault:
            return _give_up(f"could not validate {name}: {fault.message}", ())
        sys.stdout.write("OK\n")
    return 0


def _is_answered(metadata: str) -> bool:
    """Tell whether a metadata server names the account of Workload Identity, where the environment names one."""
    if not metadata:
        return False
    connection = Connection(*find_place(f"http://{metadata}"), None, METADATA_SECONDS)
    try:
        return connection.exchange("GET", METADATA_PATH, {"Metadata-Flavor": "Google"}, None)[0] == 200
    except (OSError, Cut):
        return False
    finally:
        connection.close()


def _give_up(text: str, advice: tuple[str, ...]) -> int:
    sys.stdout.write("".join(f"{line}\n" for line in advice))
    sys.stdout.flush()
    sys.stderr.write(f"Error: {text}\nPlease fix the issue and try to validate again\n")
    return 1


def _alive(pod: Json) -> bool:
    return not pod["metadata"].get("deletionTimestamp") and pod.get("status", {}).get("phase") != "Succeeded"


def _environment(pod: Json) -> list[tuple[str, str]]:
    return [
        (entry["name"], entry.get("value", ""))
        for container in pod["spec"]["containers"]
        for entry in container.get("env") or []
    ]


def _fault(deployment: Json | None, version: str) -> str:
    if deployment is None:
        return "is missing"
    images = [container["image"] for container in deployment["spec"]["template"]["spec"]["containers"]]
    wrong = [image for image in images if image.rpartition(":")[2] != version]
    if wrong:
        return f"runs {wrong[0]}, not {version}"
    ready = deployment.get("status", {}).get("availableReplicas", 0)
    wanted = deployment["spec"].get("replicas", 1)
    return "" if ready >= wanted else f"has {ready} of {wanted} replicas available"


def _injected_and_ready(pod: Json) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses") or []
    ready = {entry["name"] for entry in statuses if entry.get("ready")}
    return "istio-proxy" in ready and len(ready) == len(pod["spec"]["containers"])


def _example(name: str, namespace: str) -> Json:
    labels = {"app": name}
    container = {"name": name, "image": f"gcr.io/gke-release/asm/samples/{name}:1.0", "ports": [{"containerPort": 80}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="asmctl", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, prog="asmctl")
    validate = commands.add_parser("validate", allow_abbrev=False)
    validate.add_argument("--with-testing-workloads", action="store_true")
    validate.add_argument("--context", default="")
    validate.add_argument("--kubeconfig", default="")
    return parser
