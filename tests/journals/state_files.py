"""The bot's state folder without its journal: small files as text, what a release brings as a recipe."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.journals.placeholders import Placeholders
from tests.scenarios.rig import World

JOURNAL = "asm-upgrade."
TOKEN = "kubeconfigs/google-token"
# What a program that still runs reads before the bot has put another token there: one of Google's form, still valid.
LATER_TOKEN = b"ya29.of-another-day"
SIGNATURE = ".1.sig"
UNPACKED = "releases/unpacked"
Recipe = dict[str, Any]


def list_files(world: World, placeholders: Placeholders) -> Iterator[tuple[str, Recipe]]:
    """Path and recipe of each file; of each unpacked release one recipe."""
    folder = world.folder.bot
    trees = [path for path in sorted(folder.glob(f"{UNPACKED}/*/*")) if path.is_dir()]
    for tree in trees:
        yield str(tree.relative_to(folder)), {"unpacked": tree.name.removeprefix("istio-")}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(JOURNAL) and not any(tree in path.parents for tree in trees):
            yield name, _describe_file(name, path.read_bytes(), placeholders)


def restore_files(world: World, recipes: Mapping[str, Recipe], placeholders: Placeholders) -> None:
    """An empty state folder with these files."""
    root = world.folder.bot
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True, mode=0o700)
    for folder in sorted({name.rpartition("/")[0] for name in recipes}):
        (root / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, recipe in recipes.items():
        path = root / name
        if "unpacked" in recipe:
            tree = _unpack(world.folder.root / "unpacked", recipe["unpacked"], placeholders)
            shutil.copytree(tree, path, copy_function=os.link)
        else:
            path.write_bytes(LATER_TOKEN if name == TOKEN else _make_content(recipe, placeholders))


def _describe_file(name: str, content: bytes, placeholders: Placeholders) -> Recipe:
    if name == TOKEN:
        return {"text": "the token of another day"}
    if name.endswith("/run.json"):
        run = json.loads(content)
        return {"run": run, "age": round(time.monotonic() - run.pop("started"), 1)}
    for version, archive in placeholders.archives.items():
        if name.endswith(f"{placeholders.values[f'archive {version}']}{SIGNATURE}"):
            return {"signature": version}
        if len(content) > 100_000 and archive.startswith(content):
            return {"archive": version, "bytes": None if len(content) == len(archive) else len(content)}
    return {"text": content.decode()}


def _make_content(recipe: Recipe, placeholders: Placeholders) -> bytes:
    if "archive" in recipe:
        return placeholders.archives[recipe["archive"]][: recipe["bytes"]]
    if "signature" in recipe:
        return placeholders.signatures[recipe["signature"]]
    if "run" in recipe:
        return json.dumps({**recipe["run"], "started": time.monotonic() - recipe["age"]}).encode()
    return str(recipe["text"]).encode()


def _unpack(cache: Path, version: str, placeholders: Placeholders) -> Path:
    """The release's folder, unpacked once a world."""
    tree = cache / f"istio-{version}"
    if not tree.is_dir():
        with tarfile.open(fileobj=io.BytesIO(placeholders.archives[version])) as archive:
            archive.extractall(cache, filter="data")
    return tree
