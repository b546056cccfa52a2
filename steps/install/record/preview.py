"""A record held against the cluster, as a card and its files show it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steps.contract.cards import Attachment, Detail
from steps.contract.documents import write_yaml
from steps.contract.record import Leaf, Record, blank_leaves
from steps.contract.wording import count_things
from steps.install.differences.departures import WRITTEN_BACK, Departures
from steps.install.differences.difference_text import write_changes
from steps.install.differences.meaning import count_meanings
from steps.install.differences.rendered import Difference
from steps.install.differences.three_way import Origin
from steps.install.record.facts import MeshFacts
from steps.install.record.recording import Recorded
from steps.mesh import ClusterIdentity
from steps.notes.way_back import WayBack

_SHOWN = 20
UNSEEN = "Secrets: one that the apply would remove is asked about once the bot is bound"
# By whose a change is.
TITLES: Mapping[Origin, str] = {
    "edit": "Edited by hand since the last install",
    "option": "Options of the earlier install that nobody asked for",
    "unknown": "Fields that would change or go",
}
LOSSES: Mapping[Origin, str] = {
    "edit": "{} edited by hand since the last install will be set back or taken away.",
    "option": "{} will change because an option of the earlier install was not asked for.",
    "unknown": "{} that nobody asked to change will be set back or taken away.",
}
SECRET_PARTS = ("data", "stringData")
KEPT_BACK = "(kept on the bot's machine)"


@dataclass(frozen=True)
class Preview:
    """A record held against the cluster: `recorded` is what istioctl hands over, `facts` what it says of the mesh.

    `values` says how the install's merged values change, `doubts` what could not be looked at; `without_secrets` where
    Secrets were left out, which only a bound account may read. `earlier` is what the installed release would hand
    over in its place, None where it could not be asked.
    """

    identity: ClusterIdentity
    recorded: Recorded
    facts: MeshFacts
    difference: Difference
    values: tuple[str, ...]
    departures: Departures
    doubts: tuple[str, ...] = ()
    without_secrets: bool = False
    earlier: Recorded | None = None

    @property
    def way_back(self) -> WayBack | None:
        """What an approval also holds for, where the way back is known."""
        if self.earlier is None:
            return None
        return WayBack(self.earlier.record.digest, self.earlier.request.tools.istioctl_sha256)

    @property
    def removals(self) -> tuple[str, ...]:
        """What would be removed and nobody keeps."""
        return self.departures.removals

    @property
    def sentence(self) -> str:
        """`68 objects handed to kubectl: 2 added, 40 changed, none removed`."""
        found = self.difference
        return (
            f"{len(self.recorded.objects)} objects handed to kubectl: {len(found.added)} added, "
            f"{len(found.changed)} changed, {len(self.removals) or 'none'} removed"
        )

    @property
    def is_in_place(self) -> bool:
        """Whether the cluster has all of it as it would be handed over; what can't be seen counts as different."""
        others = [one for one in self.departures.expected if one.path[-1] != WRITTEN_BACK]
        unseen = self.without_secrets and any(one["kind"] == "Secret" for one in self.recorded.objects)
        return not (self.difference.added or others or unseen) and self.departures.is_empty

    @property
    def describe_in_place(self) -> str:
        """`the 68 objects are in the cluster as they would be handed over`."""
        return f"the {len(self.recorded.objects)} objects are in the cluster as they would be handed over"

    @property
    def meaning(self) -> str:
        """`14 images, 1 field of mesh config`: all that would be another in objects that are there."""
        return count_meanings((*self.departures.changes, *self.departures.expected))

    @property
    def risks(self) -> tuple[str, ...]:
        """What a person has to know of it before all else."""
        found = self.departures
        lines = (
            f"{name_removals(found.removals)} will be removed." if found.removals else "",
            *(
                sentence.format(count_things(n, "field"))
                for origin, sentence in LOSSES.items()
                if (n := found.count(origin))
            ),
            f"{count_things(len(found.images), 'image')} from another registry." if found.images else "",
        )
        return tuple(line for line in (*lines, *(f"{doubt}." for doubt in self.doubts)) if line)

    @property
    def details(self) -> tuple[Detail, ...]:
        """The folded parts of a card: arguments, departures, images, added objects, values."""
        request = self.recorded.request
        return (
            Detail("istioctl", format_command(request.arguments, request.overlays)),
            *describe_departures(self.departures),
            Detail("Mesh", describe_facts(self.facts)),
            Detail("Images", self.difference.images or ("no image changes",)),
            *describe_renewed(self.recorded.record.renewed),
            Detail("Added objects", shorten_lines(self.difference.added)),
            Detail("Changed values of the install", shorten_lines(self.values)),
            *([Detail("Not looked at yet", (UNSEEN,))] if self.without_secrets else []),
        )

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Everything that differs, and the objects as they are handed over, without secrets."""
        return (
            Attachment("difference.txt", write_difference(self)),
            Attachment("manifest.yaml", write_manifest(self.recorded.record)),
        )


def describe_departures(found: Departures) -> tuple[Detail, ...]:
    """A fold for each kind of what leaves the guide's path."""
    folds = (
        ("Removed objects", found.removals),
        *((title, tuple(map(str, found.list_changes(origin)))) for origin, title in TITLES.items()),
        ("Images from another registry", tuple(f"{one.where}: {one.image}" for one in found.images)),
        ("Objects beyond the guide's", tuple(str(one) for one in found.objects)),
    )
    return tuple(Detail(title, shorten_lines(lines)) for title, lines in folds if lines)


def describe_renewed(renewed: Sequence[Leaf]) -> tuple[Detail, ...]:
    """What is another text at each rendering: approved by its place and form."""
    named = (f"{leaf.key.kind} {leaf.key.name}: {leaf.line or '.'.join(map(str, leaf.path))}" for leaf in renewed)
    return (Detail("Made anew at each rendering", tuple(named)),) if renewed else ()


def describe_facts(facts: MeshFacts) -> tuple[str, ...]:
    """What the objects make of the mesh, a line each."""
    return (
        f"mTLS: {facts.mtls or 'not said'}",
        f"trust domain: {facts.trust_domain or 'not said'}",
        f"hub: {facts.hub or 'not said'}",
        f"tag: {facts.tag or 'not said'}",
        f"namespaces: {', '.join(facts.namespaces) or 'none'}",
        f"kinds: {', '.join(facts.kinds)}",
    )


def write_difference(found: Preview) -> str:
    """The file of all that differs: what leaves the guide's path first, what the release brings last."""
    own = found.departures
    parts: tuple[tuple[str, Sequence[str]], ...] = (
        ("removed", own.removals),
        *((title.lower(), tuple(write_changes(own.list_changes(origin)))) for origin, title in TITLES.items()),
        ("images from another registry", [f"{one.where}: {one.image}" for one in own.images]),
        ("objects beyond the guide's", [str(one) for one in own.objects]),
        ("added", found.difference.added),
        ("what the release changes", tuple(write_changes(own.expected))),
        ("values", found.values),
    )
    return "\n".join("\n".join((f"# {title}", *lines, "")) for title, lines in parts if lines) + "\n"


def write_manifest(record: Record) -> str:
    """The objects as YAML; what Secrets hold and what is made anew each time stays on the bot's machine."""
    texts = (blank_leaves(made, record.renewed) for made in record.list_objects())
    return write_yaml(_hide_secret(json.loads(text)) for text in texts)


def format_command(arguments: Sequence[str], overlays: Sequence[tuple[str, str]] = ()) -> tuple[str, ...]:
    """istioctl's command as a shell takes it, one flag per line."""
    head, flags = list(arguments[:2]), list(arguments[2:])
    pairs = [f"  {flag} {shlex.quote(value)}" for flag, value in zip(flags[::2], flags[1::2], strict=True)]
    files = [f"  -f {shlex.quote(name)}" for name, _ in overlays]
    lines = ["istioctl " + " ".join(head), *pairs, *files]
    return (*(f"{line} \\" for line in lines[:-1]), lines[-1])


def name_removals(removals: Sequence[str], most: int = 5) -> str:
    """`Service istio-system/kiali, ConfigMap istio-system/old and 3 more`."""
    more = f" and {len(removals) - most} more" if len(removals) > most else ""
    return ", ".join(removals[:most]) + more


def shorten_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """As many lines as fit on a card; the rest is in the file."""
    if not lines:
        return ("none",)
    more = (f"and {len(lines) - _SHOWN} more, in the attached file",) if len(lines) > _SHOWN else ()
    return (*lines[:_SHOWN], *more)


def _hide_secret(made: object) -> object:
    if isinstance(made, Mapping) and made.get("kind") == "Secret":
        return {**made, **{part: dict.fromkeys(made[part] or (), KEPT_BACK) for part in SECRET_PARTS if part in made}}
    return made
