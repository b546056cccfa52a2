"""No secret of foreign text goes on, and what is none stays."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.contract import redaction
from steps.contract.redaction import MARK, redact

SECRET = "c2VjcmV0LXZhbHVl"
BY_FORM = (
    "xoxb-123456789012-abcdef",
    "xapp-1-A0ASMUPG01-123-abc",
    "ya29.a0AfH6SMBxxxxxxxxxxxxxxxx",
    "1//0gabcdefghijklmnopqrstuvwxyz",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "GOCSPX-abcdefghijklmnopqrstuvwx",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "Bearer abcdefghijklmnop",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----",
)


@pytest.mark.parametrize("secret", BY_FORM)
def test_a_secret_is_known_by_its_form(secret: str) -> None:
    """It goes as a whole."""
    assert redact(f"before {secret} after") == "before [redacted] after"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("client-key-data: LS0tLS1CRUdJTiBSU0Eg", "client-key-data: [redacted]"),
        ("    token: abcdefghijklmnopqrst", "    token: [redacted]"),
        ('"access_token": "abcdef123456",', '"access_token": "[redacted]",'),
        ("id-token: abcdef123456", "id-token: [redacted]"),
        ("password=hunter22 next", "password=[redacted] next"),
        ("DB_PASSWORD: hunter22", "DB_PASSWORD: [redacted]"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "AWS_SECRET_ACCESS_KEY=[redacted]"),
        ("client_secret='abcdef'", "client_secret='[redacted]'"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("https://user:pass@registry.example/x", "https://user:[redacted]@registry.example/x"),
    ],
)
def test_a_secret_is_known_by_its_name(text: str, kept: str) -> None:
    """The name stays, so that the text can still be read."""
    assert redact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "--set values.global.sds.token.aud=example-project.svc.id.goog",
        "namespace shop: Deployment/web is now paused",
        "secretName: istio-ingressgateway-certs",
        "the bot's token is refused",
        "error: token: expected",
        "https://console.cloud.google.com/kubernetes?project=example-project",
        "gcr.io/gke-release/asm/proxyv2:1.4.10-asm.18",
        "passwords are not shown",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  mesh: |-\n    rootNamespace: istio-system\n",
        "SHA-256 3b1f9a0b5c7d8e9f3b1f9a0b5c7d8e9f3b1f9a0b5c7d8e9f3b1f9a0b5c7d8e9f",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Nobody guesses at a message full of gaps."""
    assert redact(text) == text


def test_the_content_of_a_secret_goes_and_its_neighbours_stay() -> None:
    """By document, as istioctl prints manifests."""
    text = (
        "---\napiVersion: v1\nkind: ConfigMap\ndata:\n  a: b\n"
        f"---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: cacerts\ndata:\n  key.pem: {SECRET}\n  b: {SECRET}\n"
        "type: Opaque\n---\nkind: Service\n"
    )
    written = redact(text)
    assert (SECRET in written, "data:\n  a: b" in written, "name: cacerts" in written, "type: Opaque" in written) == (
        False,
        True,
        True,
        True,
    )


def test_the_content_of_a_secret_in_json_goes() -> None:
    """As kubectl -o json prints it."""
    assert SECRET not in redact(f'{{"kind": "Secret", "data": {{"a": "{SECRET}", "b": "{SECRET}"}}}}')


def test_a_changed_secret_in_a_diff_goes() -> None:
    """With the signs of a diff before its lines."""
    assert SECRET not in redact(f"+kind: Secret\n+data:\n+  a: {SECRET}\n")


def test_the_rest_of_a_key_whose_beginning_was_cut_off_goes() -> None:
    """The tail of a long output may begin anywhere."""
    assert redact("hbGciOiJSUzI1NiJ9\nMIIEvQ==\n-----END PRIVATE KEY-----\nthe end") == "[redacted]\nthe end"


KEY = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFcEFJQkFBS0NBUUVBd"


def write_failed(patch: str, kind: str, name: str) -> str:
    """What kubectl prints of an object that it could not patch."""
    return (
        f"Error from server (Invalid): error when applying patch:\n{patch}\nto:\n"
        f'Resource: "/v1, Resource={kind.lower()}s", GroupVersionKind: "/v1, Kind={kind}"\n'
        f'Name: "{name}", Namespace: "istio-system"\nfor: "STDIN": {kind.lower()}s "{name}" is invalid: no\n'
    )


def write_patch(kind: str, noted: bool) -> str:
    """A patch of its content; `noted` where kubectl's own note of the last apply changes with it."""
    note = json.dumps({"apiVersion": "v1", "data": {"key.pem": KEY}, "kind": kind}) + "\n"
    annotations = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": note}}
    patch = {"data": {"key.pem": KEY}, **({"metadata": annotations} if noted else {})}
    return json.dumps(patch, separators=(",", ":"))


def merge_lines(text: str) -> str:
    """As istioctl prints kubectl's errors: equal lines once, with their number."""
    counts = Counter(text.splitlines())
    return "".join(f"{line} (repeated {number} times)\n" for line, number in counts.items())


@pytest.mark.parametrize("merge", [str, merge_lines])
@pytest.mark.parametrize("noted", [True, False])
def test_what_a_patch_would_write_into_a_secret_goes(noted: bool, merge: Callable[[str], str]) -> None:
    """Wherever kubectl's words are cut, and where istioctl leaves out what stood there before."""
    other = write_failed('{"metadata":{"labels":{"a":"b"}}}', "ConfigMap", "a")
    said = merge(other + write_failed(write_patch("Secret", noted), "Secret", "s"))
    for cut in range(len(said)):
        assert KEY[:8] not in redact(said[:cut])
        assert KEY[-8:] not in redact(said[cut:])
    assert '"labels":{"a":"b"}' in redact(said)
    assert 'for: "STDIN": secrets "s" is invalid: no' in redact(said)


def test_what_a_patch_would_write_elsewhere_stays() -> None:
    """It shows what did not get there."""
    said = write_failed(write_patch("ConfigMap", True), "ConfigMap", "istio")
    assert redact(said) == said
    assert redact(merge_lines(said)) == merge_lines(said)


@given(st.text(alphabet=st.sampled_from("tokenpaswrd:=-_ \n\"'{}[]kindSecretata.\\x/@"), max_size=300))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """And nothing breaks it."""
    assert redact(redact(text)) == redact(text)


def redact_by_every_pattern(text: str) -> str:
    """What comes out where no pattern is left out."""
    text = "".join(redaction._redact_object(part) for part in redaction.DOCUMENT.split(text))
    text = redaction.TOKENS.sub(MARK, text)
    text = redaction.SIGNED.sub(lambda found: MARK if found["rest"] else found[0], text)
    for pattern in (redaction.NAMED, redaction.TOKEN, redaction.IN_ADDRESS):
        text = pattern.sub(lambda found: f"{found['name']}{MARK}", text)
    return text


PIECES = (
    *BY_FORM, "BEARER", "authorization", "Authorızation: Basic ", "pa\u017f\u017fword", "PASSWD", "to\u212aen", "TOKEN",
    "api-\u212aey", "client_SECRET", "\u017fecret_key", "://", "user:", "abcdefghijklmnop", ": ", "=", '"', " ", "\n",
    "@", "kind: Secret\ndata:\n  a: b\n", "ßı",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_no_pattern_is_left_out_that_would_find_something(pieces: list[str]) -> None:
    """Not for letters that are another's in another case, either."""
    text = "".join(pieces)
    assert redact(text) == redact_by_every_pattern(text)


@pytest.mark.parametrize(
    "secret",
    [
        *BY_FORM,
        *(f"gh{letter}_abcdefghijklmnopqrstuvwxyz0123456789" for letter in "ousr"),
        "github_pat_abcdefghijklmnopqrstuvwxyz0123456789",
        "ASIAIOSFODNN7EXAMPLE",
        "bEARER abcdefghijklmnop",
        "MIIEabcd\n-----END PRIVATE KEY-----",
    ],
)
def test_each_form_alone_is_looked_for(secret: str) -> None:
    """Each by what is always in it."""
    assert redact(secret) == redact_by_every_pattern(secret) == MARK


def test_a_long_text_takes_no_time_to_speak_of() -> None:
    """No pattern runs away on what programs print at their worst."""
    for worst in (
        "a" * 60_000,
        "password" * 8_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
        "a://" * 15_000,
        " data:\n" * 8_000,
    ):
        redact(worst + "\nkind: Secret\n")
