"""Fill the documentation's tables from the program's own: `./dev docs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from bot.app.cli import main
from bot.journal.records import Action
from bot.people.rights import READING, refuse_person
from bot.settings.clusters import FIELDS
from bot.settings.environment import SETTINGS
from bot.settings.policy import Policy
from bot.settings.projects import DISCOVERY_FIELDS
from bot.settings.webhooks import WEBHOOK_FIELDS
from handlers.usage import COMMAND, USAGE

DOCS = Path(__file__).parents[3] / "docs"
# A cluster of which one person each holds one of the three roles; of those who act, none asked for the upgrade.
REQUESTERS, APPROVERS, BREAKERS = ROLES = ("requesters", "approvers", "break_glass")
POLICY = Policy(frozenset({REQUESTERS}), frozenset({APPROVERS}), break_glass=frozenset({BREAKERS}))
# With more options than this a command's line names none of them.
MOST_OPTIONS = 8


def render_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def as_code(text: str) -> str:
    """As code, or nothing for an empty text."""
    return f"`{text}`" if text else ""


def show_default(default: object) -> str:
    """TOML's spelling of a default; nothing for none."""
    if isinstance(default, bool):
        return as_code(str(default).lower())
    return as_code(str(default)) if default else ""


def list_settings() -> str:
    """The environment variables of the bot."""
    rows = ((as_code(item.name), as_code(item.default), item.meaning) for item in SETTINGS)
    return render_table(("setting", "default", "what it is"), rows)


def list_fields() -> str:
    """The fields of a cluster in clusters.toml."""
    rows = ((as_code(item.name), show_default(item.default), item.meaning) for item in FIELDS)
    return render_table(("field", "default", "what it is"), rows)


def list_discovery() -> str:
    """The fields of [discovery] in clusters.toml."""
    rows = ((as_code(item.name), show_default(item.default), item.meaning) for item in DISCOVERY_FIELDS)
    return render_table(("field", "default", "what it is"), rows)


def list_webhooks() -> str:
    """The fields of [webhooks.NAME] in clusters.toml."""
    rows = ((as_code(item.name), show_default(item.default), item.meaning) for item in WEBHOOK_FIELDS)
    return render_table(("field", "default", "what it is"), rows)


def list_commands() -> str:
    """The commands of asm-upgrade."""
    context = click.Context(main)
    found = [(name, main.get_command(context, name)) for name in main.list_commands(context)]
    rows = ((as_code(write_line(name, command)), lower_sentence(command)) for name, command in found if command)
    return render_table(("command", "what it does"), rows)


def write_line(name: str, command: click.Command) -> str:
    """A command with its options and arguments, as it is typed."""
    options = [f"[{write_option(one)}]" for one in command.params if isinstance(one, click.Option)]
    shown = options if len(options) <= MOST_OPTIONS else ["[OPTIONS]"]
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    named = [str(one.name).upper() if one.required else f"[{one.name}]".upper() for one in arguments]
    return " ".join(["asm-upgrade", name, *named, *shown])


def write_option(option: click.Option) -> str:
    """An option with what follows it."""
    if option.is_flag:
        return option.opts[0]
    kind = option.type
    given = "|".join(kind.choices) if isinstance(kind, click.Choice) else str(option.name).upper()
    return f"{option.opts[0]} {'FILE' if isinstance(kind, click.Path) else given}"


def lower_sentence(command: click.Command) -> str:
    """What a command does, as the other tables write it."""
    told = command.get_short_help_str(200).rstrip(".")
    return told[:1].lower() + told[1:]


def list_slash_commands() -> str:
    """What /asm-upgrade understands."""
    rows = ((as_code(f"{COMMAND} {usage.line}"), usage.meaning, name_who(name)) for name, usage in USAGE.items())
    return render_table(("command", "what it does", "who"), rows)


def name_who(action: Action) -> str:
    """Whose command it is, as the rules say that are asked at each click."""
    if action in READING:
        return "everybody"
    may = [role for role in ROLES if not refuse_person(POLICY, action, role, "", action in ("approve", "decide"))]
    return "any of the three" if may == list(ROLES) else ", ".join(as_code(role) for role in may)


def list_tables() -> Mapping[str, Mapping[str, str]]:
    """The generated tables of each document, by name."""
    return {
        "commands.md": {"commands": list_slash_commands(), "cli": list_commands()},
        "settings.md": {
            "settings": list_settings(),
            "fields": list_fields(),
            "discovery": list_discovery(),
            "webhooks": list_webhooks(),
        },
    }


def fill_tables(document: str, text: str) -> str:
    """A document's text with each generated table as the program is now."""
    for name, table in list_tables()[document].items():
        head, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, tail = rest.partition(f"<!-- /{name} -->")
        if not closing:
            raise ValueError(f"docs/{document} has no part <!-- {name} --> ... <!-- /{name} -->")
        text = head + opening + table + closing + tail
    return text


if __name__ == "__main__":
    for path in (DOCS / name for name in list_tables()):
        path.write_text(fill_tables(path.name, path.read_text()))
