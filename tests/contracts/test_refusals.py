"""What the server says when it refuses: whole sentences, in the words of the real one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.contracts.ground import MERGE, UNKNOWN_TOKEN, Ground
from tests.contracts.shapes import bare_pod, config, deployment, stateful_set
from tests.realcluster.control_plane import BOT_TOKEN, BOT_USER

APPLY = "application/apply-patch+yaml"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
SPACE = "/api/v1/namespaces/SPACE"
MAPS, PODS, SECRETS = f"{SPACE}/configmaps", f"{SPACE}/pods", f"{SPACE}/secrets"
ONE, WEB = f"{MAPS}/one", "/apis/apps/v1/namespaces/SPACE/deployments/web"
SET = "/apis/apps/v1/namespaces/SPACE/statefulsets/db"
UID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
TWO = config("ConfigMap", "SPACE", "two")
GONE = config("ConfigMap", "gone-space", "one")
EVICTION = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": "gone", "namespace": "SPACE"}}
ANOTHER = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "other"}}


@dataclass(frozen=True)
class Wrong:
    """A request that is refused; SPACE stands for the namespace."""

    method: str
    path: str
    body: Any = None
    kind: str = "application/json"
    token: str = ""


def stamped(name: str, version: str) -> Any:
    """A ConfigMap that says of which version it is."""
    return {**TWO, "metadata": {"name": name, "namespace": "SPACE", "resourceVersion": version}}


def shell(**container: str) -> Any:
    """A pod of two containers of one name, or of one without an image."""
    containers = [{"name": "app", **container}] * (2 if container else 1)
    return {**bare_pod("SPACE", "odd"), "spec": {"containers": containers}}


def merged(**container: Any) -> Any:
    """A patch of the Deployment's container."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", **container}]}}}}


WRONG: Mapping[str, Wrong] = {
    "absent pod": Wrong("GET", f"{PODS}/gone"),
    "absent deployment": Wrong("GET", f"{WEB}x"),
    "absent pod evicted": Wrong("POST", f"{PODS}/gone/eviction", EVICTION),
    "absent kind": Wrong("GET", "/api/v1/nonsense"),
    "absent namespace": Wrong("POST", "/api/v1/namespaces/gone-space/configmaps", GONE),
    "name is taken": Wrong("POST", MAPS, config("ConfigMap", "SPACE", "one")),
    "another name in the body": Wrong("PUT", ONE, TWO),
    "another namespace in the body": Wrong("POST", MAPS, config("ConfigMap", "elsewhere", "two")),
    "born with a version": Wrong("POST", MAPS, stamped("two", "5")),
    "an old version": Wrong("PUT", ONE, stamped("one", "1")),
    "another uid": Wrong("DELETE", ONE, ANOTHER),
    "a name that is none": Wrong("POST", MAPS, config("ConfigMap", "SPACE", "A_B")),
    "a patch of an unknown form": Wrong("PATCH", ONE, {"data": {}}, "application/x-yaml"),
    "a JSON patch that is none": Wrong("PATCH", ONE, {"data": {}}, JSON_PATCH),
    "a JSON patch whose test fails": Wrong(
        "PATCH", ONE, [{"op": "test", "path": "/data/first", "value": "two"}], JSON_PATCH
    ),
    "a merge without its key": Wrong(
        "PATCH", WEB, {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}, STRATEGIC
    ),
    "a quantity that is none": Wrong("PATCH", WEB, merged(resources={"requests": {"cpu": "lots"}}), STRATEGIC),
    "a count that is none": Wrong("PATCH", WEB, {"spec": {"replicas": "three"}}, STRATEGIC),
    "a list that is none": Wrong("PATCH", WEB, {"spec": {"template": {"spec": {"containers": "none"}}}}, STRATEGIC),
    "an object that is none": Wrong("PATCH", WEB, {"spec": {"strategy": "x"}}, STRATEGIC),
    "a field that stays": Wrong("PATCH", WEB, {"spec": {"selector": {"matchLabels": {"app": "other"}}}}, MERGE),
    "no method of this": Wrong("POST", ONE, config("ConfigMap", "SPACE", "one")),
    "a limit that is none": Wrong("GET", f"{MAPS}?limit=lots"),
    "a continuation that is none": Wrong("GET", f"{MAPS}?continue=lots"),
    "a token of no form": Wrong("GET", f"{MAPS}?continue=e30"),
    "a list after a list": Wrong("GET", f"{MAPS}?continue=e30&resourceVersion=5"),
    "a selector that is none": Wrong("GET", f"{MAPS}?labelSelector=a%5Eb"),
    "an operator of no selector": Wrong("GET", f"{MAPS}?labelSelector=a%20almost%20b"),
    "a field that nobody selects by": Wrong("GET", f"{PODS}?fieldSelector=spec.nope%3D1"),
    "a field selector that is none": Wrong("GET", f"{PODS}?fieldSelector=nope"),
    "a version that is none": Wrong("GET", f"{MAPS}?watch=1&resourceVersion=lots"),
    "a dry run of another kind": Wrong("POST", f"{MAPS}?dryRun=Some", TWO),
    "a dry run of a change": Wrong("PATCH", f"{ONE}?dryRun=Some", {"data": {}}, MERGE),
    "nobody": Wrong("GET", MAPS, token=UNKNOWN_TOKEN),
    "no right to list": Wrong("GET", SECRETS, token=BOT_TOKEN),
    "no right to get": Wrong("GET", WEB, token=BOT_TOKEN),
    "no right in the cluster": Wrong("GET", "/api/v1/nodes", token=BOT_TOKEN),
    "no right to a path": Wrong("GET", "/metrics", token=BOT_TOKEN),
    "a label that is none": Wrong("PATCH", ONE, {"metadata": {"labels": {"team": "a b"}}}, MERGE),
    "a label's key that is none": Wrong("PATCH", ONE, {"metadata": {"labels": {"a^b": "c"}}}, MERGE),
    "a pod that would be another": Wrong("PATCH", f"{PODS}/shell", {"spec": {"hostNetwork": True}}, MERGE),
    "a container twice": Wrong("POST", PODS, shell(image="a")),
    "a container without an image": Wrong("POST", PODS, shell()),
    "a set that would be another": Wrong("PATCH", SET, {"spec": {"serviceName": "other"}}, MERGE),
    "an applied field of another's": Wrong(
        "PATCH", f"{ONE}?fieldManager=second", config("ConfigMap", "SPACE", "one", first="two"), APPLY
    ),
    "a body of another kind": Wrong("POST", MAPS, config("Secret", "SPACE", "two")),
    "a container of no pod": Wrong("GET", f"{PODS}/shell/log?container=other"),
}
# As kube-apiserver 1.20.2 words it; the first line, for a change of a pod is shown whole below it.
SAID: Mapping[str, tuple[int, str]] = {
    "a quantity that is none": (
        422,
        ' "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[containers:[map[name:app resources:'
        'map[requests:map[cpu:lots]]]]]]]]": quantities must match the regular expression '
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    "a count that is none": (
        422,
        ' "" is invalid: patch: Invalid value: "map[spec:map[replicas:three]]": unrecognized type: int32',
    ),
    "a list that is none": (
        422,
        ' "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[containers:none]]]]": '
        "cannot restore slice from string",
    ),
    "an object that is none": (
        422,
        ' "" is invalid: patch: Invalid value: "map[spec:map[strategy:x]]": cannot restore struct from: string',
    ),
    "absent pod": (404, 'pods "gone" not found'),
    "absent deployment": (404, 'deployments.apps "webx" not found'),
    "absent pod evicted": (404, 'pods "gone" not found'),
    "absent kind": (404, "the server could not find the requested resource"),
    "absent namespace": (404, 'namespaces "gone-space" not found'),
    "name is taken": (409, 'configmaps "one" already exists'),
    "another name in the body": (400, ("the name of the object (two) does not match the name on the URL (one)")),
    "another namespace in the body": (
        400,
        ("the namespace of the provided object does not match the namespace sent on the request"),
    ),
    "born with a version": (500, "resourceVersion should not be set on objects to be created"),
    "an old version": (
        409,
        (
            'Operation cannot be fulfilled on configmaps "one": the object has been modified; please '
            "apply your changes to the latest version and try again"
        ),
    ),
    "another uid": (
        409,
        (
            'Operation cannot be fulfilled on ConfigMap "one": the UID in the precondition (other) '
            "does not match the UID in record (UID). The object might have been deleted and then "
            "recreated"
        ),
    ),
    "a name that is none": (
        422,
        (
            'ConfigMap "A_B" is invalid: metadata.name: Invalid value: "A_B": a lowercase RFC 1123 '
            "subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
            "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ),
    ),
    "a patch of an unknown form": (415, "415: Unsupported Media Type"),
    "a JSON patch that is none": (400, ("json: cannot unmarshal object into Go value of type jsonpatch.Patch")),
    "a JSON patch whose test fails": (422, ("the server rejected our request due to an error in our request")),
    "a merge without its key": (500, "map: map[image:x] does not contain declared merge key: name"),
    "a field that stays": (
        422,
        (
            'Deployment.apps "web" is invalid: [spec.template.metadata.labels: Invalid value: '
            'map[string]string{"app":"web"}: `selector` does not match template `labels`, '
            "spec.selector: Invalid value: "
            'v1.LabelSelector{MatchLabels:map[string]string{"app":"other"}, '
            "MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable]"
        ),
    ),
    "no method of this": (405, ("the server does not allow this method on the requested resource")),
    "a limit that is none": (400, 'strconv.ParseInt: parsing "lots": invalid syntax'),
    "a continuation that is none": (
        400,
        (
            "invalid continue token: continue key is not valid: invalid character '\\u0096' looking for "
            "beginning of value"
        ),
    ),
    "a selector that is none": (
        400,
        (
            'unable to parse requirement: invalid label key "a^b": name part must consist of '
            "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ),
    ),
    "an operator of no selector": (
        400,
        ("unable to parse requirement: found 'almost', expected: '=', '!=', '==', 'in', notin'"),
    ),
    "a field that nobody selects by": (400, "field label not supported: spec.nope"),
    "a field selector that is none": (400, "invalid selector: 'nope'; can't understand 'nope'"),
    "a version that is none": (
        500,
        ('resourceVersion: Invalid value: "lots": strconv.ParseUint: parsing "lots": invalid syntax'),
    ),
    "a dry run of another kind": (
        422,
        (
            'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}: '
            'supported values: "All"'
        ),
    ),
    "nobody": (401, "Unauthorized"),
    "no right to list": (
        403,
        ('secrets is forbidden: User "BOT" cannot list resource "secrets" in API group "" in the namespace "SPACE"'),
    ),
    "no right to get": (
        403,
        (
            'deployments.apps "web" is forbidden: User "BOT" cannot get resource "deployments" in API '
            'group "apps" in the namespace "SPACE"'
        ),
    ),
    "no right in the cluster": (
        403,
        ('nodes is forbidden: User "BOT" cannot list resource "nodes" in API group "" at the cluster scope'),
    ),
    "no right to a path": (403, 'forbidden: User "BOT" cannot get path "/metrics"'),
    "a label that is none": (
        422,
        (
            'ConfigMap "one" is invalid: metadata.labels: Invalid value: "a b": a valid label must be '
            "an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
            "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
            "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        ),
    ),
    "a label's key that is none": (
        422,
        (
            'ConfigMap "one" is invalid: metadata.labels: Invalid value: "a^b": name part must consist '
            "of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ),
    ),
    "a pod that would be another": (
        422,
        (
            'Pod "shell" is invalid: spec: Forbidden: pod updates may not change fields other than '
            "`spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds` "
            "or `spec.tolerations` (only additions to existing tolerations)"
        ),
    ),
    "a container twice": (422, ('Pod "odd" is invalid: spec.containers[1].name: Duplicate value: "app"')),
    "a container without an image": (422, ('Pod "odd" is invalid: spec.containers[0].image: Required value')),
    "a set that would be another": (
        422,
        (
            'StatefulSet.apps "db" is invalid: spec: Forbidden: updates to statefulset spec for fields '
            "other than 'replicas', 'template', and 'updateStrategy' are forbidden"
        ),
    ),
    "an applied field of another's": (
        409,
        ('Apply failed with 1 conflict: conflict with "python-httpx" using v1: .data.first'),
    ),
    "a body of another kind": (
        400,
        (
            'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to '
            "(core.ConfigMap): unknown conversion"
        ),
    ),
    "a dry run of a change": (
        422,
        (
            'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}: '
            'supported values: "All"'
        ),
    ),
    "a token of no form": (
        400,
        ('invalid continue token: continue key is not valid: server does not recognize this encoded version ""'),
    ),
    "a list after a list": (
        400,
        ('invalid continue token: continue key is not valid: server does not recognize this encoded version ""'),
    ),
    "a container of no pod": (400, "container other is not valid for pod shell"),
}


def ask(ground: Ground, space: str, wrong: Wrong) -> tuple[int, str]:
    """The status and the sentence, without what is another one in each run."""
    headers = {"Content-Type": wrong.kind} | ({"Authorization": f"Bearer {wrong.token}"} if wrong.token else {})
    body = None if wrong.body is None else json.dumps(wrong.body).replace("SPACE", space)
    answer = ground.http.request(wrong.method, wrong.path.replace("SPACE", space), content=body, headers=headers)
    said = str(answer.json()["message"]).replace(space, "SPACE").replace(BOT_USER, "BOT")
    return answer.status_code, UID.sub("UID", said.partition("\n")[0])


def test_refusals_are_the_real_servers_sentences(ground: Ground) -> None:
    """Whole ones, with the status that goes with them: what the bot reads out of them, it reads out of both."""
    ground.need("bot")
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "one", first="one"), deployment(space), bare_pod(space, "shell"))
    ground.create(stateful_set(space))
    assert {name: ask(ground, space, wrong) for name, wrong in WRONG.items()} == SAID


def test_a_merge_to_another_type_is_a_fault_of_the_patch(ground: Ground) -> None:
    """422, with all of what it would make; sent whole, the same object is answered by 400."""
    space = ground.make_space()
    ground.create(deployment(space))
    status, said = ask(ground, space, Wrong("PATCH", WEB, {"spec": {"replicas": "three"}}, MERGE))
    assert (status, said.startswith(' "" is invalid: patch: Invalid value: "{')) == (422, True)
    made = ground.send("GET", WEB.replace("SPACE", space)).json()
    status, said = ask(ground, space, Wrong("PUT", WEB, {**made, "spec": {**made["spec"], "replicas": "three"}}))
    assert (status, "cannot be handled as a Deployment" in said) == (400, True)
