"""Fill the documentation's tables from the program's own: `./dev docs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from bot.app.cli import main
from bot.settings.clusters import FIELDS
from bot.settings.environment import SETTINGS
from bot.settings.projects import DISCOVERY_FIELDS
from bot.settings.webhooks import WEBHOOK_FIELDS
from handlers.usage import COMMAND, USAGE

DOCS = Path(__file__).parents[3] / "docs"


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
    rows = ((as_code(f"asm-upgrade {name}"), command.get_short_help_str(200)) for name, command in found if command)
    return render_table(("command", "what it does"), rows)


def list_slash_commands() -> str:
    """What /asm-upgrade understands."""
    rows = ((as_code(f"{COMMAND} {usage.line}"), usage.meaning) for usage in USAGE.values())
    return render_table(("command", "what it does"), rows)


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
