"""What Google's ErrorInfo says of a refusal: a 403 is not always a missing role.

The reasons are those of googleapis, google/api/error_reason.proto.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Rate limits inside a 403, the lower-case ones as the older APIs write them.
PASSING = frozenset({"RATE_LIMIT_EXCEEDED", "rateLimitExceeded", "userRateLimitExceeded"})
# What a person grants, and what Google then takes some minutes to know everywhere
# (cloud.google.com/iam/docs/access-change-propagation: a role 7 minutes or longer, an API that was enabled likewise).
GRANTED_LATE = frozenset({"IAM_PERMISSION_DENIED", "forbidden", "SERVICE_DISABLED", "accessNotConfigured"})
# What IAM says where an API gives no reason; a proxy that refuses has other words.
IAM_WORDS = re.compile(
    r"Required \"[\w.]+\" permission|Permission '[\w.]+' denied on resource|The caller does not have permission"
)
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
PERIMETER = re.compile(r"vpcServiceControlsUniqueIdentifier:?\s*([\w-]+)")
REMEDIES: Mapping[str, str] = {
    "SERVICE_DISABLED": "Run `gcloud services enable {service} --project={project}`, wait some minutes, then retry.",
    "BILLING_DISABLED": "Link a billing account to the project {project}, then retry.",
    "SECURITY_POLICY_VIOLATED": "A VPC Service Controls perimeter keeps the bot out: let whoever runs it look up"
    " {perimeter} in the troubleshooter and let the bot's account in, then retry.",
    "ORG_RESTRICTION_VIOLATION": "An organisation restriction on the bot's network refuses this organisation: let"
    " whoever runs the proxy allow it, then retry.",
    "LOCATION_POLICY_VIOLATED": "The organisation's policy on locations refuses this: ask whoever runs it, then retry.",
    "USER_PROJECT_DENIED": "Grant the bot's account roles/serviceusage.serviceUsageConsumer on the quota project of its"
    " credentials, {project}, then retry.",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "The bot's credentials lack the scope cloud-platform: use Workload Identity, or"
    " make the nodes that it runs on with that scope; then retry.",
    "CONSUMER_SUSPENDED": "Google has suspended the project {project}: see its notices in the console, then retry.",
    "CONSUMER_INVALID": "Google does not know the project {project} as a consumer: check the project id, then retry.",
    "ACCOUNT_STATE_INVALID": "The bot's Google account is disabled or deleted: enable it, then retry.",
}


@dataclass(frozen=True)
class GoogleRefusal:
    """An answer of 400 or more: its words, and the reason with its details where Google gives one."""

    status: int
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def find_remedy(refusal: GoogleRefusal) -> str:
    """What a person can do about the reason, "" for one that is not known."""
    perimeter = PERIMETER.search(refusal.message)
    reason = "SECURITY_POLICY_VIOLATED" if perimeter else refusal.reason
    return REMEDIES.get(reason, "").format(
        service=refusal.metadata.get("service", "the API that is named above"),
        project=refusal.metadata.get("consumer", "").removeprefix("projects/") or "PROJECT",
        perimeter=f"the number {perimeter[1]}" if perimeter else "the refusal",
    )


def is_missing_grant(refusal: GoogleRefusal) -> bool:
    """Whether a role or an API is missing, as opposed to what another than IAM refuses."""
    if refusal.status != 403 or PERIMETER.search(refusal.message):
        return False
    return refusal.reason in GRANTED_LATE or (not refusal.reason and bool(IAM_WORDS.search(refusal.message)))


def read_google_refusal(status: int, text: str, answer: object) -> GoogleRefusal:
    """A refusal as JSON (google.rpc.Status under `error`), or as the text that came."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return GoogleRefusal(status, text)
    message = str(error.get("message") or text)
    details = [part for part in error.get("details") or () if isinstance(part, dict)]
    info = next((part for part in details if part.get("@type") == ERROR_INFO), {})
    older = [part for part in error.get("errors") or () if isinstance(part, dict)]
    reason = str(info.get("reason") or (older[0].get("reason") if older else "") or "")
    metadata = info.get("metadata")
    known = {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}
    return GoogleRefusal(status, message, reason, known)
