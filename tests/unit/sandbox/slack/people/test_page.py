from __future__ import annotations

import re
from importlib.resources import files

import pytest
import requests

from tests.unit.sandbox.slack.rig import Stage

PAGE = files("sandbox.slack") / "page"
SCRIPTS = sorted(part.name for part in PAGE.iterdir() if part.name.endswith(".js"))


def test_the_shell_loads_parts_that_exist(stage: Stage) -> None:
    """Every stylesheet, script and icon that the shell names is served with its type."""
    shell = requests.get(f"{stage.site.url}/", timeout=30).text
    parts = re.findall(r'(?:href|src)="(/page/[^"]+)"', shell)
    assert "/page/app.js" in parts
    assert {requests.get(f"{stage.site.url}{part}", timeout=30).status_code for part in parts} == {200}


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_import_parts_that_exist(script: str) -> None:
    """No import leads nowhere."""
    imported = re.findall(r'from "/page/([^"]+)"', (PAGE / script).read_text())
    assert [name for name in imported if not (PAGE / name).is_file()] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_never_write_markup(script: str) -> None:
    """Foreign strings can't become markup: no part of ours writes any."""
    source = (PAGE / script).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", source)


def test_the_page_may_run_its_own_scripts_only(stage: Stage) -> None:
    """The content security policy allows no inline and no foreign script."""
    policy = requests.get(f"{stage.site.url}/", timeout=30).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize("path", ["/page/vendor/nothing.js", "/page/../server.py", "/page/vendor/../../server.py"])
def test_other_files_are_not_served(stage: Stage, path: str) -> None:
    """Only the page's parts are."""
    answer = requests.Session().send(
        requests.Request("GET", f"{stage.site.url}{path}").prepare(), allow_redirects=False, timeout=5
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["htm", "preact", "gemoji"])
def test_vendored_parts_keep_their_licence(name: str) -> None:
    """The licence's text lies beside the code."""
    assert "icense" in (PAGE / "vendor" / f"LICENSE-{name}.txt").read_text()
