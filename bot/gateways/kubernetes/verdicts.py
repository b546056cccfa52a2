"""What comes of a request to an API server that went wrong, or of an answer that can't be read."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import msgspec

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall, name_error
from steps.contract.errors import GiveUp, NotGranted, StepError, TryAgain, mark_harmless
from steps.mesh import WorkloadRef

COMPARE = "This is a fault of the bot or of a proxy in between: compare with `kubectl get -o json`, and report it."
DENIED_USER = re.compile(r'User "([^"]+)" cannot')
DENIED_RULE = re.compile(r'User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"')

# GKE's words where neither a rule nor IAM lets the account: cannot list resource "pods" …: requires one of
# ["container.pods.list"] permission(s).
IAM_DENIED = re.compile(r'requires one of \["container\.[^\]]+\] permission\(s\)')


class StatusCause(msgspec.Struct):
    """One cause in the details of a Status."""

    reason: str = ""
    message: str = ""


class Details(msgspec.Struct, rename="camel"):
    """The details of a Status."""

    causes: list[StatusCause] | None = None
    retry_after_seconds: float = 0


class Status(msgspec.Struct):
    """The Status object that the API server sends with every error."""

    message: str = ""
    reason: str = ""
    details: Details | None = None

    @property
    def causes(self) -> list[StatusCause]:
        """The causes, none where there are no details."""
        return (self.details.causes if self.details else None) or []


class Unreached(TryAgain):
    """Nothing was sent: the connection could not be made."""

    changed_nothing = True


def judge_denial(call: OutsideCall, status: int, message: str, retry_after: float | None) -> StepError:
    """The verdict on a status of 400 or more; what IAM lacks may have been granted a moment ago."""
    fault = faults.judge_status(call, status, message, retry_after)
    if isinstance(fault, GiveUp) and status == 403 and not call.told and IAM_DENIED.search(message):
        return NotGranted(fault.why, fault.remedy)
    return fault


def judge_exchange(call: OutsideCall, error: Exception, limit: float) -> StepError:
    """The verdict on an exception of urllib3; `limit` is the read limit in seconds."""
    from urllib3 import exceptions

    match error:
        case exceptions.SSLError() if is_untrusted(error):
            # Tried again: while GKE rotates the CA the old and the new one are answered for minutes.
            untrusted = f'{call.service} has no trusted certificate for "{call.action}"'
            return Unreached(f"{untrusted}: {name_error(error)}")
        # closed: another thread let the client go between two requests of this one
        case exceptions.NewConnectionError() | exceptions.ConnectTimeoutError() | exceptions.ClosedPoolError():
            return Unreached(faults.judge_unreachable(call, error).why)
        case exceptions.TimeoutError():
            return faults.judge_silence(call, limit)
        case _:
            return faults.judge_unreachable(call, error)


def is_untrusted(error: Exception) -> bool:
    """Whether a TLS error is about the certificate, which is looked at before anything is sent."""
    from urllib3.util.ssl_match_hostname import CertificateError

    return any(isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)) for cause in error.args)


def judge_form(call: OutsideCall, body: bytes, error: Exception) -> StepError:
    """The verdict on a body that can't be decoded: cut short, of another type, nested too deep."""
    match error:
        case msgspec.ValidationError():
            form = f'{call.service} answered "{call.action}" in a form that the bot can\'t read'
            return GiveUp(f"{form}: {name_error(error)}", COMPARE)
        case RecursionError():
            return GiveUp(
                f'{call.service} answered "{call.action}" with JSON that is nested too deep to be read',
                "Look at the object with `kubectl get -o json`: somebody wrote it so, or a proxy in between did.",
            )
        case _:
            return faults.judge_garbled(call, body, error)


def judge_kubeconfig(name: str, path: Path, why: str) -> GiveUp:
    """The verdict on a kubeconfig that can't be loaded."""
    return GiveUp(
        f"the kubeconfig {path} of {name} can't be used: {why}",
        "Check the file and the context named in clusters.toml, then retry.",
    )


def judge_deleted(ref: WorkloadRef) -> TryAgain:
    """The verdict on a workload that is not there any more when it is written to."""
    return mark_harmless(TryAgain(f"{ref} was deleted meanwhile"))


def judge_taken(binding: str) -> GiveUp:
    """The verdict on a binding whose name something else has already."""
    taken = GiveUp(
        f"there is already a ClusterRoleBinding {binding} with other content",
        f"Look at it with `kubectl get clusterrolebinding {binding} -o yaml`; the bot never edits it.",
    )
    return mark_harmless(taken)


def refuse_size(action: str, largest: int) -> GiveUp:
    """The verdict on an answer that is larger than anything that an API server sends of itself."""
    return GiveUp(
        f'the API server answered "{action}" with more than {largest // 2**20} MB',
        "Find out what stands in its way, or which of these objects is so large; then retry.",
    )


def read_status(body: bytes) -> Status:
    """The Status in an error's body; its message is the body itself where a proxy answered in another form."""
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Status(message=body[:400].decode("utf-8", "replace"))


def name_rule_grant(message: str) -> str:
    """What grants what a 403's message says is missing: the exact rule, or the guide's binding where it names none."""
    rule = DENIED_RULE.search(message)
    if rule:
        user, verb, resource, group = rule.groups()
        quoted = group or '""'
        return (
            f"Somebody who may grant it gives {user} a role with the rule apiGroups [{quoted}], resources "
            f"[{resource}], verbs [{verb}]; manifests/target-cluster has what the bot needs. Then retry."
        )
    found = DENIED_USER.search(message)
    user = found.group(1) if found else "ACCOUNT"
    return (
        "Somebody who may grant it runs `kubectl create clusterrolebinding cluster-admin-binding-asm-upgrade-bot "
        f"--clusterrole=cluster-admin --user={user}`, then retry."
    )
