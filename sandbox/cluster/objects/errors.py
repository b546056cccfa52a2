"""What the API answers when it refuses: Status objects with Kubernetes' own reasons and sentences."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """A refusal. `code` is the HTTP status; `retry_after` in seconds becomes a header."""

    def __init__(
        self, code: int, reason: str, message: str, details: Json | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}
        self.retry_after = retry_after
        self.continue_token = ""

    def status(self) -> Json:
        """Return the Status object for the body."""
        metadata = {"continue": self.continue_token} if self.continue_token else {}
        body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure"}
        body["message"] = self.message
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        body["code"] = self.code
        return body


def _resource(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural


def _details(kind: str, group: str, name: str) -> Json:
    details = {"name": name, "group": group, "kind": kind}
    return {field: value for field, value in details.items() if value}


def not_found(plural: str, group: str, name: str) -> ApiError:
    """Refuse because the object does not exist."""
    return ApiError(404, "NotFound", f'{_resource(plural, group)} "{name}" not found', _details(plural, group, name))


class UnknownPath(ApiError):
    """The server serves nothing at this path; its answer is plain text where it knows not even the group."""

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__(404, "NotFound", "the server could not find the requested resource")
        self.plain = plain


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """Refuse because the name is taken."""
    message = f'{_resource(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(plural, group, name))


def conflict(plural: str, group: str, name: str, why: str) -> ApiError:
    """Refuse because a precondition failed."""
    message = f'Operation cannot be fulfilled on {_resource(plural, group)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(plural, group, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def forbidden(plural: str, group: str, name: str, why: str) -> ApiError:
    """Refuse because of rights or admission."""
    quoted = f' "{name}"' if name else ""
    message = f"{_resource(plural, group)}{quoted} is forbidden: {why}"
    return ApiError(403, "Forbidden", message, _details(plural, group, name))


def invalid(kind: str, group: str, name: str, causes: list[tuple[str, str, str]]) -> ApiError:
    """Refuse a malformed object; causes are (reason, field, message)."""
    listed = [{"reason": reason, "message": message, "field": field} for reason, field, message in causes]
    sentences = [f"{field}: {message}" for _, field, message in causes]
    text = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    message = f'{_resource(kind, group)} "{name}" is invalid: {text}'
    return ApiError(422, "Invalid", message, {**_details(kind, group, name), "causes": listed})


def bad_request(message: str) -> ApiError:
    """Refuse a request that can't be understood."""
    return ApiError(400, "BadRequest", message)


def internal(message: str) -> ApiError:
    """Fail in the way an admission webhook or an overlapping budget makes the server fail."""
    full = f"Internal error occurred: {message}"
    return ApiError(500, "InternalError", full, {"causes": [{"message": message}]})


def failed(message: str) -> ApiError:
    """Fail where the real server has no reason of its own for what it refuses: 500, and the sentence alone."""
    return ApiError(500, "", message)


def expired(message: str) -> ApiError:
    """Refuse a continue token or a resourceVersion that is too old."""
    return ApiError(410, "Expired", message)


def uid_mismatch(kind: str, group: str, name: str, wanted: str, held: str) -> ApiError:
    """Refuse because the object of this name is another one."""
    why = f"the UID in the precondition ({wanted}) does not match the UID in record ({held}). "
    return conflict(kind, group, name, why + "The object might have been deleted and then recreated")


def method_not_allowed() -> ApiError:
    """Refuse a verb that the resource does not have."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message)
