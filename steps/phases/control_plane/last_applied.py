"""Whether a rendered manifest has been applied in full, told by what kubectl left on each object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from steps.contract.ports import Manifest
from steps.install.rendered import find_differences, identify

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def find_unapplied(objects: Sequence[Manifest], live: Iterable[Manifest]) -> tuple[str, ...]:
    """The rendered objects that are missing or were last applied with other content.

    istioctl applies with kubectl, which keeps on each object what it applied; unlike the live fields that text is
    free of the server's defaults and spellings. An object without it is compared by its live fields.
    """
    known = {identify(item): item for item in live}
    return tuple(str(identify(item)) for item in objects if not _is_applied(item, known.get(identify(item))))


def _is_applied(wanted: Manifest, here: Manifest | None) -> bool:
    if here is None:
        return False
    text = (here["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    try:
        applied = json.loads(text) if text else here
    except ValueError:
        applied = here
    return not find_differences(wanted, applied)
