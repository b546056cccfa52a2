"""Reviews: may I, what may I, may they, and whose token is this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.cluster.api.answers import Answer
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.server.authorization import MASTERS, Attributes, Authorizer, User

REVIEWS = ("SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview")
_EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def answer_token_review(find_user: Callable[[str], User | None], request: ApiRequest) -> Answer:
    """Answer whose token it is."""
    spec = request.object_body().get("spec") or {}
    user = find_user(str(spec.get("token", "")))
    status: Json = {"user": {}, "error": "invalid bearer token"}
    if user is not None:
        status = {"authenticated": True, "user": {"username": user.name, "groups": list(user.groups)}}
    return _answer(request, spec, status)


def answer_review(authorizer: Authorizer, request: ApiRequest) -> Answer:
    """Answer the creation of a review."""
    body = request.object_body()
    spec = body.get("spec") or {}
    if request.target.resource.kind == "SelfSubjectRulesReview":
        status = _rules(authorizer, request.user, str(spec.get("namespace", "default")))
    else:
        user = request.user
        if request.target.resource.kind == "SubjectAccessReview":
            user = User(str(spec.get("user", "")), tuple(spec.get("groups") or ()))
        status = _verdict(authorizer.allows(user, _attributes(spec)))
    return _answer(request, spec, status)


def _answer(request: ApiRequest, spec: Json, status: Json) -> Answer:
    target = request.target
    api = target.resource.api_version(target.version)
    answer = {"kind": target.resource.kind, "apiVersion": api, "metadata": {}, "spec": spec, "status": status}
    return Answer(answer, 201)


def _verdict(allowed: bool) -> Json:
    return {"allowed": True, "reason": "RBAC: allowed"} if allowed else {"allowed": False}


def _attributes(spec: Json) -> Attributes:
    path: Any = spec.get("nonResourceAttributes")
    if path:
        return Attributes(str(path.get("verb", "")), path=str(path.get("path", "")))
    asked = spec.get("resourceAttributes") or {}
    return Attributes(
        asked.get("verb", ""), asked.get("group", ""), asked.get("resource", ""), asked.get("subresource", ""),
        asked.get("namespace", ""), asked.get("name", ""),
    )  # fmt: skip


def _rules(authorizer: Authorizer, user: User, namespace: str) -> Json:
    rules = [_EVERYTHING] if MASTERS in user.groups else list(authorizer.rules_of(user, namespace))
    shown = ("verbs", "apiGroups", "resources", "resourceNames")
    listed = [{name: rule[name] for name in shown if name in rule} for rule in rules if "resources" in rule]
    paths = [rule for rule in rules if "nonResourceURLs" in rule]
    return {"resourceRules": listed, "nonResourceRules": paths, "incomplete": False}
