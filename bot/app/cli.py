"""The command line: asm-upgrade."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from bot.journal.records import StoreBroken
from bot.settings.environment import BACKUPS, JOURNAL, SETTINGS, ConfigError, read_state_folder

if TYPE_CHECKING:
    from bot.clicks.orders import Local
    from bot.journal.store import StoredCopy
    from bot.telling.views import Views

# How long an upgrade may take with --exit.
SIMULATED_SECONDS = 300.0
ATTACHED_SECONDS = 900.0
# Left out of the container image, or not asked for when the bot was installed.
SANDBOX_PACKAGES = ("sandbox", "aiohttp", "rich")


def _list_settings() -> str:
    width = max(len(setting.name) for setting in SETTINGS)
    lines = (f"  {setting.name:<{width}}  {setting.meaning}" for setting in SETTINGS)
    return "\b\nSettings come from the environment:\n" + "\n".join(lines)


class Commands(click.Group):
    """The commands; whichever finds the journal or the settings broken says so in a line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            _fail(error.faults)
        except StoreBroken as error:
            _fail([str(error)])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 130},
    epilog=_list_settings(),
)
@click.version_option(package_name="asm-upgrade-bot", prog_name="asm-upgrade")
def main() -> None:
    """Takes Anthos Service Mesh on GKE from 1.4.5+ to 1.4.10-asm.18 from Slack, phase by phase."""


@main.command()
def serve() -> None:
    """Run the bot until it is told to stop."""
    from bot.app.start import StopRequest, serve_bot

    stop = StopRequest()
    stop.catch()
    from bot.journal.store import StoreBusy
    from bot.settings.environment import read_settings

    try:
        sys.exit(serve_bot(read_settings(), stop))
    except ConfigError as error:
        _fail(error.faults)
    except (StoreBusy, StoreBroken) as error:
        _fail([str(error)])


@main.command()
@click.option("--auto-approve", is_flag=True, help="A stand-in person starts the upgrade and clicks every approval.")
@click.option("--exit", "leave", is_flag=True, help="Leave with 0 when upgraded, with 1 otherwise.")
@click.option("--speed", type=click.FloatRange(min=0.1), default=None, help="How fast the simulated clock runs.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The page's port; 0 takes a free one.")
@click.option("--json", "as_json", is_flag=True, help="Print one line with all addresses.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), default=None, help="Keep the state here.")
@click.option("--no-bot", is_flag=True, help="Start everything but the bot.")
@click.option("--http", is_flag=True, help="Have Slack reach the bot by signed requests, not by Socket Mode.")
@click.option("--weather", multiple=True, metavar="NAME", help="What goes wrong (repeatable); `list` shows all.")
@click.option("--credentials", default="key-file", help="key-file, or workload-identity, as a pod on GKE has it.")
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), help="Seed and use this cluster instead."
)
@click.option("--context", default="", help="The context in that kubeconfig; its current one by default.")
@click.option("--webhook-address", default="127.0.0.1", help="This machine's address as that API server sees it.")
@click.option("--yes", is_flag=True, help="Agree beforehand to what is asked about that cluster.")
@click.option("--remove", is_flag=True, help="Take the demo out of that cluster, and start nothing.")
def sandbox(kubeconfig: Path | None, speed: float | None, weather: tuple[str, ...], **asked: Any) -> None:
    """Run the bot against a local Slack, a simulated cluster and signed releases."""
    _require_sandbox()
    if "list" in weather:
        from sandbox.supervisor import describe_all_weathers

        _say(describe_all_weathers())
        return
    from bot.app.known_releases import shipped_releases
    from sandbox.supervisor import AttachOptions, SandboxOptions, run

    given = {name: asked.pop(name) for name in ("context", "webhook_address", "yes", "remove")}
    if kubeconfig is None and given != {"context": "", "webhook_address": "127.0.0.1", "yes": False, "remove": False}:
        raise click.UsageError("--context, --webhook-address, --yes and --remove go with --kubeconfig")
    if kubeconfig and speed:
        raise click.UsageError("--speed is that of the simulated cluster; one given by --kubeconfig keeps real time")
    if kubeconfig and weather:
        raise click.UsageError("--weather is that of the simulated cluster; one given by --kubeconfig has its own")
    attach = AttachOptions(kubeconfig, **given) if kubeconfig else None
    limit = ATTACHED_SECONDS if attach else SIMULATED_SECONDS
    options = SandboxOptions(speed=speed, attach=attach, time_limit=limit, weather=weather, **asked)
    sys.exit(run(options, shipped_releases()))


@main.command()
@click.argument("upgrade", required=False, default="")
def status(upgrade: str) -> None:
    """Show where the open upgrades stand, or one upgrade by its id."""
    from bot.settings.environment import find_settings_faults
    from bot.telling.reports import describe_status, describe_troubles

    views = _open_views()
    rows = [views.read_view(upgrade) for _ in range(_known(views, upgrade))] if upgrade else views.list_open()
    troubles = [*find_settings_faults(), *views.list_troubles()]
    _say("\n".join([describe_status(rows, []), *describe_troubles(troubles)]))


@main.command()
@click.argument("upgrade", required=False, default="")
@click.option("--ledger", type=click.Choice(["csv", "json"]), default=None, help="The pods of the upgrade.")
@click.option("--audit", type=click.Choice(["jsonl", "md"]), default=None, help="Who did what, row by row, sealed.")
@click.option("--report", type=click.Choice(["html", "md", "jsonl"]), default=None, help="All of it: a change record.")
@click.option("--backup", is_flag=True, help="What was kept before its first write, one file for `kubectl apply -f`.")
@click.option("--ics", is_flag=True, help="Its time for calendars; without an upgrade, the next 30 days of the fleet.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write into this file, not out."
)
def export(
    upgrade: str, ledger: str | None, audit: str | None, report: Any, backup: bool, ics: bool, output: Path | None
) -> None:
    """Print what an upgrade left on record, or the calendar as an iCalendar file."""
    from bot.app.exports import write_ledger

    asked = {"ledger": ledger, "audit": audit, "report": report, "backup": backup, "calendar": ics}
    what = [name for name, form in asked.items() if form]
    if len(what) != 1:
        forms = "`--ledger csv|json`, `--audit jsonl|md`, `--report html|md|jsonl`, `--backup` and `--ics`"
        _fail([f"say what to export, one of {forms}"])
    if not upgrade and not ics:
        _fail([f"name the upgrade whose {what[0]} to export; `asm-upgrade status` lists the open ones"])
    views = _open_views()
    if upgrade:
        _known(views, upgrade)
    if audit:
        _put_out(_export_audit(upgrade, audit), output)
    elif report:
        _put_out(_export_report(upgrade, report), output)
    elif backup:
        _put_out(_export_backup(upgrade), output)
    else:
        _put_out(_export_calendar(upgrade) if ics else write_ledger(views.read_ledger(upgrade), ledger or ""), output)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--journal", is_flag=True, help="Look through the journal of the state folder.")
@click.option("--head", default="", help="A head that was noted elsewhere, such as in Slack.")
def verify(file: Path | None, journal: bool, head: str) -> None:
    """Look for rows of the audit that were changed, removed, inserted or moved; exit code 1 where there are any."""
    from bot.journal.verifying import BadExport, Chains, read_rows, verify_journal, verify_rows

    if journal == (file is not None):
        _fail(["say what to look through: a FILE of `export UPGRADE --audit jsonl`, or `--journal`"])
    try:
        if file is None:
            verdict = verify_journal(Chains(_open_copy()), head)
        else:
            verdict = verify_rows(read_rows(file.read_text(encoding="utf-8")), head)
    except (BadExport, UnicodeDecodeError, OSError) as error:
        _fail([str(error)])
    if verdict.faults:
        _fail(list(verdict.faults))
    click.echo(f"unbroken: {verdict.looked}")


@main.command()
@click.argument("target")
@click.option("--file", "name", default="", help="Print this file instead, one that the log names.")
def log(target: str, name: str) -> None:
    """Print all that was told of an upgrade, or a file that it kept; named by its cluster or id."""
    from bot.app.exports import write_told

    try:
        text = write_told(_open_copy(), target, name)
    except LookupError as missing:
        _fail([str(missing.args[0])])
    _say(text)


@main.command()
@click.argument("target", required=False, default="")
def history(target: str) -> None:
    """Tell who asked, who approved what, how long it took and the way back: of all upgrades, a cluster or one by id."""
    from bot.app.exports import write_history

    try:
        text = write_history(_open_copy(), target)
    except LookupError as missing:
        _fail([str(missing.args[0])])
    _say(text)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the journal into FILE, whole and consistent, also while the bot runs."""
    from bot.app.exports import write_copy

    journal = read_state_folder() / JOURNAL
    _open_copy().close()
    if fault := write_copy(journal, file):
        _fail([fault])
    click.echo(f"{file} holds the journal of {journal.parent}")


def _export_audit(upgrade: str, form: str) -> str:
    from bot.app.exports import write_audit

    return write_audit(_open_copy(), upgrade, form)


def _export_report(upgrade: str, form: Any) -> str:
    from bot.app.exports import write_record

    return write_record(_open_copy(), upgrade, form)


def _export_backup(upgrade: str) -> str:
    from bot.app.exports import write_backup

    folder = read_state_folder() / BACKUPS
    text, changed = write_backup(folder, upgrade)
    if changed:
        _fail([f"the backup in {folder / upgrade} is not as it was kept: {one}" for one in changed])
    return text or _fail([f"{upgrade} has no backup in {folder}: it has written nothing to the control plane"])


def _export_calendar(upgrade: str) -> str:
    from bot.app.exports import write_fleet, write_time
    from bot.settings.environment import read_clusters

    copy = _open_copy()
    try:
        text = write_time(copy, upgrade) if upgrade else write_fleet(copy, read_clusters())
    except ConfigError as error:
        _fail(error.faults)
    return text or _fail([f"{upgrade} has no time yet; `/asm-upgrade schedule {upgrade}` sets one"])


def _put_out(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        _fail([f"{output} can't be written: {error.strerror or error}"])


@main.command()
@click.argument("target")
def pause(target: str) -> None:
    """Start nothing more in an upgrade, named by its cluster or id, until it is resumed; for when Slack is away."""
    from bot.app.local_orders import name_account
    from bot.clicks.orders import Pause

    _order(Pause(target, name_account()))


@main.command()
@click.argument("target")
def resume(target: str) -> None:
    """Let a paused upgrade, named by its cluster or id, go on."""
    from bot.app.local_orders import name_account
    from bot.clicks.orders import Resume

    _order(Resume(target, name_account()))


@main.command()
@click.argument("target")
@click.argument("reason", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask first.")
def abort(target: str, reason: tuple[str, ...], yes: bool) -> None:
    """End an upgrade, named by its cluster or id; what it has changed stays changed."""
    from bot.app.local_orders import ask_why
    from bot.clicks.orders import Abort

    _order(Abort(target, ask_why(f"Abort the upgrade of {target}? Restarted pods stay as they are", reason, yes)))


@main.command()
@click.argument("target")
@click.argument("reason", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask first.")
def rollback(target: str, reason: tuple[str, ...], yes: bool) -> None:
    """Take an upgrade back, named by its cluster or id: the earlier release, its options, then the restarted pods."""
    from bot.app.local_orders import ask_why
    from bot.clicks.orders import Rollback

    _order(Rollback(target, ask_why(f"Take {target} back to the release that it came from?", reason, yes)))


@main.command()
@click.argument("target")
@click.argument("channel")
def move(target: str, channel: str) -> None:
    """Let an open upgrade, named by its cluster or id, go on in another channel, named by its id; for a lost one."""
    from bot.clicks.orders import Relocate

    _order(Relocate(target, channel))


@main.command()
@click.argument("cluster", required=False, default="")
@click.option("--post", is_flag=True, help="Also post a test message into each channel, and delete it.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def doctor(cluster: str, post: bool, as_json: bool) -> None:
    """Try everything that an upgrade needs, of the bot and of one cluster or all; exit code 1 on any error."""
    from bot.app.checks.running import run_doctor

    sys.exit(run_doctor(cluster, _say, post=post, as_json=as_json))


def _order(order: Local) -> None:
    from bot.app.local_orders import bare_target, find_unknown, is_obeyed, order_here

    order, path = bare_target(order), read_state_folder() / JOURNAL
    if unknown := find_unknown(path, order.target):
        _fail([unknown])
    answer = order_here(path, order)
    # by then the cluster may be another than the one that whoever ordered it saw
    until = ", within 10 min from now" if order.action == "rollback" else ""
    _say(answer or f"The order is in the journal; no bot took it up yet. It counts as soon as the bot runs{until}.")
    sys.exit(0 if not answer or is_obeyed(path, order) else 1)


def _open_views() -> Views:
    from bot.telling.told import open_views

    return open_views(_open_copy())


def _open_copy() -> StoredCopy:
    from bot.journal.store import StoredCopy

    try:
        return click.get_current_context().with_resource(closing(StoredCopy(read_state_folder() / JOURNAL)))
    except StoreBroken as error:
        _fail([str(error)])


def _known(views: Views, upgrade: str) -> bool:
    if not views.has_upgrade(upgrade):
        from bot.app.local_orders import find_unknown

        unknown = find_unknown(read_state_folder() / JOURNAL, upgrade)
        _fail([unknown or f"there is no upgrade {upgrade}; `asm-upgrade status` lists the open ones"])
    return True


def _require_sandbox() -> None:
    missing = [name for name in SANDBOX_PACKAGES if find_spec(name) is None]
    if missing:
        _fail(
            [
                f"the sandbox is not installed here ({', '.join(missing)} missing): "
                "in a clone of the project, `./dev sandbox` or `pip install '.[sandbox]'` installs it"
            ]
        )


def _say(text: str, *, fault: bool = False) -> None:
    """Print what holds words of others or was written for Slack."""
    from bot.slack.drawing.text import write_plain

    click.echo(write_plain(text), err=fault)


def _fail(sentences: Sequence[str]) -> NoReturn:
    for sentence in sentences:
        _say(f"asm-upgrade: {sentence}", fault=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
