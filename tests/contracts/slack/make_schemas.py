"""Makes slack.schema.json anew from Slack's TypeScript packages.

Run `python -m tests.contracts.slack.make_schemas`; it needs npm and leaves nothing but that file.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCHEMA = HERE / "slack.schema.json"
SETTINGS = {
    "compilerOptions": {
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "target": "es2022",
        "strict": True,
        "skipLibCheck": True,
        "types": [],
    },
    "files": ["contracts.ts"],
}
PROSE = frozenset({"description", "deprecated"})
GENERATE = "npx ts-json-schema-generator -p contracts.ts -t * -f tsconfig.json -o made.json --no-type-check"


def make_schemas() -> None:
    """Install the pinned packages into a temporary folder, generate, write one definition a line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("package.json", "contracts.ts"):
            shutil.copy(HERE / file, folder)
        (folder / "tsconfig.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        for command in ("npm install --no-fund --no-audit --no-package-lock --ignore-scripts", GENERATE):
            subprocess.run(command.split(), cwd=folder, check=True, timeout=600)
        made = json.loads((folder / "made.json").read_text(encoding="utf-8"))
    versions = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    SCHEMA.write_text(write_schema(made, versions), encoding="utf-8")


def write_schema(made: dict[str, Any], versions: dict[str, str]) -> str:
    """The schema without prose, with the versions that it was made from."""
    definitions = {name: _drop_prose(body) for name, body in sorted(made["definitions"].items())}
    lines = [f"  {json.dumps(name)}: {json.dumps(body, sort_keys=True)}" for name, body in definitions.items()]
    sources = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    comment = f"Made by make_schemas.py from {sources} (all MIT)."
    head = f'"$schema": {json.dumps(made["$schema"])},\n"$comment": {json.dumps(comment)},\n'
    return "{\n" + head + '"definitions": {\n' + ",\n".join(lines) + "\n}\n}\n"


def _drop_prose(value: Any) -> Any:
    if isinstance(value, list):
        return [_drop_prose(item) for item in value]
    if isinstance(value, dict):
        return {key: _drop_prose(item) for key, item in value.items() if not (key in PROSE and isinstance(item, str))}
    return value


if __name__ == "__main__":
    make_schemas()
