"""Why a test may be skipped: what a run lacks because nobody asked for it, or because the machine can't give it."""

from __future__ import annotations

import re

NO_CHROMIUM = "no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path"
NO_DRIVER = "Playwright's driver does not start: install libatomic (Debian: apt-get install libatomic1)"
NOT_ASKED_FOR = "runs with --real-cluster"
NO_ISTIOCTL = "runs with --istioctl or --release-archive FILE, beside --real-cluster and --control-plane FOLDER"
NO_PICTURES = "takes the pictures of docs/page.md with --pictures docs"
NO_PILLOW = "makes the moving picture with pillow, which `./dev docs` installs"
NO_KUBECTL = "no kubectl is installed"
NO_NAMESPACE = "no process namespace can be made here (unshare --pid)"
NOT_ON_LINUX = "kinship of processes is known on Linux only"
NOT_FORKED = "a kubectl is forked on Linux only"

LISTED = (
    *map(
        re.escape,
        (NOT_ASKED_FOR, NO_ISTIOCTL, NO_PICTURES, NO_PILLOW, NO_KUBECTL, NO_NAMESPACE, NOT_ON_LINUX, NOT_FORKED),
    ),
    r"the (simulated|given) cluster has no power '\w+'",
    r".+ needs --control-plane FOLDER: a given cluster is not taken over",
)
# A hosted run has a browser.
LISTED_AT_HOME = tuple(map(re.escape, (NO_CHROMIUM, NO_DRIVER)))


def is_listed(reason: str, hosted: bool) -> bool:
    """Whether a test may be skipped for this reason."""
    allowed = LISTED if hosted else LISTED + LISTED_AT_HOME
    return any(re.fullmatch(pattern, reason) for pattern in allowed)
