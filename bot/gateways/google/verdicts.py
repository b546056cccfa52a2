"""What comes of a call to Google that went wrong, whichever of its libraries made it."""

from __future__ import annotations

from dataclasses import replace

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall, name_error
from bot.gateways.google.reasons import IAM_WORDS, GoogleRefusal, find_remedy, is_missing_grant
from bot.gateways.google.reasons import PASSING as RATE_LIMITS
from steps.contract.errors import GiveUp, NotGranted, StepError, TryAgain

GET_CREDENTIALS = (
    "Set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file, run the bot with workload identity, "
    "or run `gcloud auth application-default login`; then retry."
)

BIND_ACCOUNT = (
    "Let the bot's Kubernetes service account act as its Google service account (roles/iam.workloadIdentityUser, and "
    "the annotation iam.gke.io/gcp-service-account), as manifests/kubernetes has it; then retry."
)
LET_ACT = (
    "Grant the account of the bot's credentials roles/iam.serviceAccountTokenCreator on the one that it acts as; then "
    "retry."
)
# In the words of GKE's metadata server: what IAM lacks may have been granted a moment ago.
ASKED_IAM = "IAM returned"
SET_CLOCK = "Set the clock of the bot's machine by NTP; then retry."
# Timeouts and "too many requests", among the answers that otherwise are final.
PASSING = (408, 429)


def judge_refusal(call: OutsideCall, refusal: GoogleRefusal, retry_after: float | None = None) -> StepError:
    """The verdict on a refusal by its reason, and by its status where it gives none that is known."""
    if refusal.reason in RATE_LIMITS:
        return faults.judge_status(call, 429, refusal.message, retry_after)
    call = replace(call, told=find_remedy(refusal) or call.told)
    fault = faults.judge_status(call, refusal.status, refusal.message, retry_after)
    if isinstance(fault, GiveUp) and is_missing_grant(refusal):
        return NotGranted(fault.why, fault.remedy)
    return fault


def judge_container(call: OutsideCall, error: Exception, limit: float) -> Exception:
    """The verdict on an exception of GKE's client; `limit` is the read limit in seconds."""
    from google.api_core import exceptions
    from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]

    match error:
        case ParseError():
            return faults.judge_garbled(call, b"", error)
        case exceptions.GoogleAPICallError():
            headers = getattr(error.response, "headers", None) or {}
            known = {str(key): str(text) for key, text in (error.metadata or {}).items()}
            refusal = GoogleRefusal(int(error.code or 500), error.message or "", error.reason or "", known)
            return judge_refusal(call, refusal, faults.read_retry_after(headers))
        case _:
            return judge_requests(call, error, limit)


def judge_requests(call: OutsideCall, error: Exception, limit: float) -> Exception:
    """The verdict on an exception of requests, TryAgain or GiveUp; `limit` is the read limit in seconds."""
    import requests

    from bot.gateways.google.bounded_answers import AnswerTooLarge, NotGoogles

    match error:
        case NotGoogles():
            return faults.judge_garbled(call, error.body)
        case AnswerTooLarge():
            return GiveUp(
                f'{call.service} answered "{call.action}" with more than it ever has to say: {error}',
                "Find out what stands between the bot and Google; then retry.",
            )
        case requests.exceptions.SSLError():
            return faults.judge_untrusted(call, error)
        case requests.exceptions.ReadTimeout():
            return faults.judge_silence(call, limit)
        case _:
            return faults.judge_unreachable(call, error)


def judge_refresh(error: Exception, answered: int) -> StepError:
    """The verdict on a renewal that failed, by what lies behind it and not by the exception's class.

    google-auth wraps a metadata server that is away, throttled or out of order into the same RefreshError as an account
    that is refused (compute_engine/credentials.py); only an answer of 4xx is kept beside the TransportError's message.
    `answered` is the status of the last answer, 0 where none came: google-auth passes over a gateway's 502.
    """
    import requests
    from google.auth import exceptions

    if not isinstance(error, (exceptions.GoogleAuthError, requests.RequestException)):
        # google-auth on an answer that is none of Google's
        return TryAgain(f"Google's token endpoint gave an answer of another form: {name_error(error)}")
    cause = error.__cause__ if isinstance(error.__cause__, exceptions.TransportError) else error
    if isinstance(cause, exceptions.TransportError):
        status = getattr(cause.args[1], "status", 0) if len(cause.args) > 1 else 0
        if 400 <= status < 500 and status not in PASSING:
            refused = NotGranted if ASKED_IAM in str(cause) else GiveUp
            return refused(f"Google's metadata server refused the bot's account: {name_error(cause)}", BIND_ACCOUNT)
        return TryAgain(f"Google's token endpoint could not be reached: {name_error(cause)}")
    if not isinstance(error, exceptions.GoogleAuthError):
        return TryAgain(f"Google's token endpoint could not be reached: {name_error(error)}")
    if (
        error.retryable
        or answered in PASSING
        or answered >= 500
        or "Unexpected response from metadata server" in str(error)
    ):
        return TryAgain(f"Google's token endpoint asks to try again: {name_error(error)}")
    if "iat" in str(error) and "exp" in str(error):
        return GiveUp(f"Google finds the bot's clock off: {name_error(error)}", SET_CLOCK)
    why = f"Google refused to renew the bot's credentials: {name_error(error)}"
    if IAM_WORDS.search(str(error)):
        return NotGranted(why, LET_ACT)
    return GiveUp(why, GET_CREDENTIALS)


def judge_loading(error: Exception) -> GiveUp:
    """The verdict on credentials that are not there, or can't be read."""
    from google.auth import exceptions

    if isinstance(error, exceptions.DefaultCredentialsError):
        return GiveUp(f"the bot has no Google credentials: {name_error(error)}", GET_CREDENTIALS)
    return GiveUp(f"the bot's Google credentials can't be read: {name_error(error)}", GET_CREDENTIALS)
