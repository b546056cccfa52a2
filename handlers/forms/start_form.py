"""The form that starts an upgrade: how it is built and how a submission is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slack_sdk.models.blocks import (
    CheckboxesElement,
    ContextBlock,
    InputBlock,
    InputInteractiveElement,
    Option,
    OptionGroup,
    PlainTextInputElement,
    PlainTextObject,
    StaticSelectElement,
)
from slack_sdk.models.blocks.block_elements import FileInputElement
from slack_sdk.models.views import View

from bot.clicks.orders import StartOptions
from bot.orders.cluster_views import ClusterView
from bot.slack.drawing.cards import build_note, build_text
from bot.slack.drawing.text import clean, cut, cut_written, escape
from handlers.forms.modals import build_form
from handlers.payloads import Payload, find_part, find_text, read_carried

START_FORM = "asm:start"
CHOOSE_CLUSTER = "asm-start:cluster"
PASTED = "pasted.yaml"
KEEP = "keep"
TAKE, LEAVE = "take", "leave"
TESTING = "testing"
MOST_CLUSTERS = 100
MOST_FILES = 5
NOTE_LIMIT = 300
FAULT_LIMIT = 250

# The block at which a fault of an argument stands.
BLOCKS: Mapping[str, str] = {
    "cluster": "cluster",
    "mtls": "mtls",
    "earlier_options": "earlier",
    "set": "set",
    "overlay_texts": "overlay",
    "testing_workloads": "testing",
    "canary_namespaces": "canary",
    "skip_namespaces": "skip",
}


@dataclass(frozen=True)
class StartForm:
    """What was submitted; `files` are file objects still to be read."""

    cluster: str
    channel: str
    options: StartOptions
    files: tuple[Payload, ...]
    faults: Mapping[str, str] = field(default_factory=dict)


def build_start_form(clusters: Sequence[ClusterView], chosen: str, channel: str, notes: Sequence[str] = ()) -> View:
    """The form for one person; `clusters` are those that this person may start now, `chosen` one of them or "".

    `notes` are sentences about what is left out.
    """
    title, carried = "Start an upgrade", {"channel": channel}
    if not clusters:
        return build_form(START_FORM, title, None, carried, [build_text(_NOTHING), *_build_notes(notes)])
    cluster = next((cluster for cluster in clusters if cluster.key == chosen), clusters[0])
    shown = (
        clusters[:MOST_CLUSTERS] if cluster in clusters[:MOST_CLUSTERS] else (cluster, *clusters[: MOST_CLUSTERS - 1])
    )
    left = len(clusters) - len(shown)
    more = [f"{left} more clusters don't fit in this list; `/asm-upgrade start NAME` starts them."] if left else []
    blocks = [
        _build_cluster_choice(shown, cluster),
        build_note(f"{escape(cluster.place)} · to {escape(cluster.release)}"),
        *([build_note(_PROPOSAL)] if cluster.found else []),
        *_build_notes((*more, *notes)),
        _build_mtls(cluster),
        _build_earlier(),
        _build_lines("set", "--set flags", _SET_HINT),
        _build_lines("overlay", "Overlay (-f)", "An IstioControlPlane of install.istio.io/v1alpha2."),
        _build_files(),
        _build_testing(cluster),
        _build_line("canary", "Canary namespaces", "Re-injected first, with an approval of their own."),
        _build_line("skip", "Namespaces to leave alone", "Their sidecars stay on the old version."),
    ]
    return build_form(START_FORM, title, "Propose" if cluster.found else "Start", carried, blocks)


def read_start_form(view: Payload) -> StartForm | None:
    """A submission; None where it is not one of ours. Faults are by block id."""
    values = find_part(find_part(view, "state"), "values")
    carried = read_carried(view, "channel")
    if carried is None:
        return None
    cluster = find_text(_value(values, "cluster"), "selected_option", "value")
    listed = _value(values, "files").get("files")
    files = tuple(file for file in listed if isinstance(file, Mapping)) if isinstance(listed, list) else ()
    faults = {} if cluster else {"cluster": "Choose a cluster."}
    return StartForm(cluster, carried[0], _read_options(values), files, faults)


def _read_options(values: Payload) -> StartOptions:
    mtls = find_text(_value(values, "mtls"), "selected_option", "value") or KEEP
    earlier = find_text(_value(values, "earlier"), "selected_option", "value")
    overlay = _text(values, "overlay").strip()
    return StartOptions(
        mtls="" if mtls == KEEP else mtls,
        earlier_options=LEAVE if earlier == LEAVE else "",
        flags=tuple(line.strip() for line in _text(values, "set").splitlines() if line.strip()),
        overlay_texts={PASTED: overlay + "\n"} if overlay else {},
        testing_workloads=bool(_value(values, "testing").get("selected_options")),
        canary_namespaces=tuple(_text(values, "canary").replace(",", " ").split()),
        skip_namespaces=tuple(_text(values, "skip").replace(",", " ").split()),
    )


def place_faults(faults: Mapping[str, str]) -> dict[str, str]:
    """Faults by argument as faults by block, in plain words; those of an overlay stand where it came from."""
    found: dict[str, list[str]] = {}
    for name, text in faults.items():
        found.setdefault(_find_block(name), []).append(text)
    return {block: cut(" ".join(texts).replace("`", ""), FAULT_LIMIT) for block, texts in found.items()}


def _find_block(name: str) -> str:
    kind, _, file = name.partition(":")
    if kind == "overlay_texts" and file and file != PASTED:
        return "files"
    return BLOCKS.get(kind, "cluster")


_NOTHING = (
    "There is no cluster here that you could start now: each is being upgraded already, or you are not among its "
    "requesters. `/asm-upgrade status` shows what is under way."
)

_SET_HINT = (
    "One KEY=VALUE a line. They are laid over the options of the earlier install and over those of clusters.toml."
)

_PROPOSAL = (
    "📋 Found in GKE and not in clusters.toml: this makes a proposal that nobody can approve. It reads the cluster, "
    "changes nothing and says what to add to clusters.toml."
)


def _build_notes(notes: Sequence[str]) -> list[ContextBlock]:
    return [build_note("\n".join(cut_written(note, NOTE_LIMIT) for note in notes))] if notes else []


def _build_cluster_choice(clusters: Sequence[ClusterView], chosen: ClusterView) -> InputBlock:
    options = {cluster.key: _option(cluster.key, cluster.key) for cluster in clusters}
    configured = [options[cluster.key] for cluster in clusters if not cluster.found]
    found = [options[cluster.key] for cluster in clusters if cluster.found]
    element = StaticSelectElement(action_id=CHOOSE_CLUSTER, initial_option=options[chosen.key])
    if found:
        groups = [("In clusters.toml", configured), ("Found in GKE: proposal only", found)]
        element.option_groups = [OptionGroup(label=PlainTextObject(text=label), options=o) for label, o in groups if o]
    else:
        element.options = configured
    return InputBlock(block_id="cluster", label=PlainTextObject(text="Cluster"), dispatch_action=True, element=element)


def _build_mtls(cluster: ClusterView) -> InputBlock:
    known = f" ({cluster.mtls} when last read)" if cluster.mtls else ""
    keep = _option(KEEP, f"Keep what is in force{known}")
    options = [keep, _option("PERMISSIVE", "PERMISSIVE"), _option("STRICT", "STRICT")]
    return InputBlock(
        block_id="mtls",
        label=PlainTextObject(text="Mutual TLS"),
        hint=PlainTextObject(text="A change of the mode is asked for on its own before it is made."),
        element=StaticSelectElement(action_id="mtls", options=options, initial_option=keep),
    )


def _build_earlier() -> InputBlock:
    take, leave = _option(TAKE, "Take them"), _option(LEAVE, "Leave them: only the guide's and those below")
    return InputBlock(
        block_id="earlier",
        label=PlainTextObject(text="Options of the earlier install"),
        hint=PlainTextObject(text="The proposal lists each. What is left is asked about before it is lost."),
        element=StaticSelectElement(action_id="earlier", options=[take, leave], initial_option=take),
    )


def _build_lines(block_id: str, label: str, hint: str) -> InputBlock:
    element = PlainTextInputElement(action_id=block_id, multiline=True, max_length=3000)
    return _build_optional(block_id, label, hint, element)


def _build_line(block_id: str, label: str, hint: str) -> InputBlock:
    return _build_optional(block_id, label, hint, PlainTextInputElement(action_id=block_id, max_length=1000))


def _build_files() -> InputBlock:
    element = FileInputElement(action_id="files", filetypes=["yaml", "yml", "text"], max_files=MOST_FILES)
    return _build_optional("files", "Overlay files", "In place of pasting; 256 KiB each at most.", element)


def _build_testing(cluster: ClusterView) -> InputBlock:
    option = _option(TESTING, "Let asmctl validate run its testing workloads")
    initial = [option] if cluster.testing_workloads else None
    element = CheckboxesElement(action_id="testing", options=[option], initial_options=initial)
    return _build_optional("testing", "Validation", "They make a namespace for a few minutes.", element)


def _build_optional(block_id: str, label: str, hint: str, element: InputInteractiveElement) -> InputBlock:
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=label),
        hint=PlainTextObject(text=hint),
        optional=True,
        element=element,
    )


def _option(value: str, label: str) -> Option:
    return Option(value=value, text=PlainTextObject(text=cut(clean(label), 75)))


def _value(values: Payload, block: str) -> Payload:
    return next((entry for entry in find_part(values, block).values() if isinstance(entry, Mapping)), {})


def _text(values: Payload, block: str) -> str:
    return find_text(_value(values, block), "value")
