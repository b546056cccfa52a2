"""Secrets blotted out of foreign text, before it reaches the journal, a thread or a log."""

from __future__ import annotations

import re

MARK = "[redacted]"
# What is a secret by its own form.
TOKENS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    # The end of a key whose beginning was cut off.
    r"|\A[A-Za-z0-9+/=\s\\]*-----END [A-Z ]*PRIVATE KEY-----"
    r"|\bxox[a-z]-[A-Za-z0-9-]{6,}|\bxapp-[A-Za-z0-9-]{6,}"
    r"|\bya29\.[A-Za-z0-9._-]{10,}|\b1//[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{30,}|\bGOCSPX-[A-Za-z0-9_-]{20,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{12,}",
    re.DOTALL,
)
# A signed token of three parts. The first part is taken also where the others are missing, so that it is read once.
SIGNED = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?P<rest>\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)?")
# What is a secret by what stands before it, which is kept.
NAMED = re.compile(
    r"(?P<name>(?i:\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?basic\s+)"
    r"|(?i:(?:passwords?|passwd|client[_-]key[_-]data|(?:secret|access|api|private|encryption|signing)[_-]?key"
    r"|(?:id|refresh|access|auth|bearer|session|app|bot)[_-]?token|client[_-]?secret))[\"']?\s*[:=]\s*[\"']?)"
    r"(?P<value>(?!\[redacted\])[^\s\"',;{}\[\]]{4,})"
)
# A short word after `token` is rarely a secret.
TOKEN = re.compile(r"(?P<name>(?i:\btoken[\"']?\s*[:=]\s*[\"']?))(?P<value>[A-Za-z0-9._~+/=-]{16,})")
IN_ADDRESS = re.compile(r"(?P<name>://[^\s/:@]{0,100}:)(?P<value>[^\s/@]{1,500})(?=@)")
SECRET_OBJECT = re.compile(r"(?:^[ +-]*|[{,]\s{0,20})[\"']?kind[\"']?:\s{0,20}[\"']?Secret\b", re.MULTILINE)
YAML_CONTENT = re.compile(
    r"^(?P<indent>[ +-]*)(?P<name>data|stringData):[ ]*\n(?:(?P=indent)[ ]+\S.*(?:\n|\Z))+", re.MULTILINE
)
JSON_CONTENT = re.compile(r"(?P<name>\"(?:data|stringData)\"\s*:\s*)\{[^{}]*\}")
DOCUMENT = re.compile(r"(?m)^(?=---)")
# kubectl prints the patch of an object that it could not change, and then of what kind that was; istioctl leaves out
# lines that it has printed before.
WORDS_OF_KUBECTL = ("error when ", '"STDIN"')
KIND_BEHIND = re.compile(
    r"(?:to:(?: \(repeated \d{1,9} times\))?\n)?Resource: \"[^\"\n]*\", GroupVersionKind: \"[^\"\n]*Kind=(\w+)\""
)
KIND_WITHIN = re.compile(r"\\\"kind\\\":\s*\\\"(\w+)\\\"")
CONTENT_WITHIN = re.compile(r"\"(?:data|stringData)\\?\":")
# What a text must have in it, or the pattern needn't be tried: to look for these takes a hundredth of the time.
MARKS_OF_TOKENS = (
    "PRIVATE KEY-----", "xox", "xapp-", "ya29.", "1//", "AIza", "GOCSPX-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_",
    "ghs_", "ghr_", "github_pat_",
)  # fmt: skip
MARK_OF_SIGNED = "eyJ"
# Of the text without regard to case; none has an i, for Python's patterns take a dotless one for it.
WORDS_OF_NAMED = ("author", "passw", "key", "token", "secret")


def redact(text: str) -> str:
    """Replace keys, tokens, passwords and the content of Kubernetes Secrets by a visible mark."""
    folded = text.lower() if text.isascii() else text.casefold()
    if any(word in text for word in WORDS_OF_KUBECTL):
        text = _redact_patches(text)
    if "secret" in folded and SECRET_OBJECT.search(text):
        text = "".join(_redact_object(part) for part in DOCUMENT.split(text))
    if "bearer" in folded or any(mark in text for mark in MARKS_OF_TOKENS):
        text = TOKENS.sub(MARK, text)
    if MARK_OF_SIGNED in text:
        text = SIGNED.sub(lambda found: MARK if found["rest"] else found[0], text)
    for pattern, words in ((NAMED, WORDS_OF_NAMED), (TOKEN, ("token",)), (IN_ADDRESS, ("://",))):
        if any(word in folded for word in words):
            text = pattern.sub(lambda found: f"{found['name']}{MARK}", text)
    return text


def _redact_patches(text: str) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        behind = "\n".join(lines[number + 1 : number + 3])
        if (line.startswith('{"') and CONTENT_WITHIN.search(line)) or (number == 0 and _is_end_of_patch(line, behind)):
            found = KIND_BEHIND.match(behind) or KIND_WITHIN.search(line)
            # Of a kind that isn't told it may be.
            lines[number] = line if found and found[1] != "Secret" else MARK
    return "\n".join(lines)


def _is_end_of_patch(line: str, behind: str) -> bool:
    """Whether a text begins in the middle of a patch."""
    return behind.startswith(("to:", "Resource: ")) and "}" in line


def _redact_object(document: str) -> str:
    if not SECRET_OBJECT.search(document):
        return document
    document = YAML_CONTENT.sub(lambda found: f"{found['indent']}{found['name']}: {MARK}\n", document)
    return JSON_CONTENT.sub(lambda found: f'{found["name"]}"{MARK}"', document)
