from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.sandbox.release.bench import GUIDE, Answer, Bench

PRINTED = Path(__file__).parents[4] / "golden" / "istioctl"
ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
USER = re.compile(r'User "[^"]*"')
BLOCK = re.compile(r"^Component (\S+) - manifest apply returned the following errors:$", re.MULTILINE)
END = "✘ Errors were logged during apply operation."
ADDONS = ("values.prometheus.enabled=true", "gateways.components.egressGateway.enabled=true")


def read(name: str) -> str:
    """What the real istioctl printed."""
    return plain((PRINTED / f"{name}.txt").read_text())


def plain(text: str) -> str:
    """The text without what only this run has."""
    return USER.sub('User "U"', ADDRESS.sub("HOST:PORT", text))


def everything(answer: Answer) -> str:
    return plain(answer.out + answer.errors)


def read_head(text: str) -> set[str]:
    """The lines before the first block of errors; components come in any order."""
    return set(BLOCK.split(text)[0].splitlines())


def read_blocks(text: str) -> dict[str, str]:
    """The errors of each component; one that the golden file cuts is left out."""
    parts = BLOCK.split(text.partition(END)[0])[1:]
    blocks = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name: block.rstrip() for name, block in blocks.items() if "lines left out" not in block}


def test_an_apply_that_goes_well(bench: Bench) -> None:
    """With two addons."""
    answer = bench.apply(*GUIDE, *ADDONS)
    assert (answer.code, read_head(everything(answer))) == (0, read_head(read("apply-ok")))
    assert answer.out.endswith("\n\n\n✔ Installation complete\n\n")


def test_a_dry_run(bench: Bench) -> None:
    """Everything is said to have been applied."""
    answer = bench.apply(*GUIDE, options=("--dry-run",))
    assert (answer.code, read_head(everything(answer))) == (0, read_head(read("dry-run-ok")))


def test_a_dry_run_that_would_remove_something(bench: Bench) -> None:
    """Components that the flags don't enable."""
    bench.apply(*GUIDE, *ADDONS)
    answer = bench.apply(*GUIDE, options=("--dry-run",))
    assert (answer.code, read_head(everything(answer))) == (0, read_head(read("dry-run-prunes")))


def test_a_bad_flag(bench: Bench) -> None:
    """64."""
    answer = bench.apply(*GUIDE, options=("--nosuch",))
    assert (answer.code, everything(answer).strip()) == (64, read("bad-flag").strip())


def test_a_bad_set_flag(bench: Bench) -> None:
    """255 before anything is applied."""
    answer = bench.apply("nosuch=1")
    assert (answer.code, everything(answer).strip()) == (255, read("bad-set").strip())


def test_a_bad_overlay(bench: Bench, tmp_path: Path) -> None:
    """The cause is the first line, then the whole file."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(read("bad-overlay").partition("Original YAML:\n")[2].rstrip() + "\n")
    answer = bench.run("istioctl", "manifest", "generate", "-f", str(overlay))
    assert (answer.code, everything(answer).strip()) == (255, read("bad-overlay").strip())


@pytest.mark.parametrize(("name", "options"), [("apply-unreachable", ()), ("dry-run-unreachable", ("--dry-run",))])
def test_an_unreachable_server(bench: Bench, name: str, options: tuple[str, ...]) -> None:
    """Each component has its block, the disabled ones too."""
    bench.kubeconfig.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", bench.kubeconfig.read_text()))
    compare_failed(bench.apply(*GUIDE, options=options), name)


def test_a_refused_token(bench: Bench) -> None:
    """Asked for lists kubectl says it once a kind, asked to apply once."""
    bench.kubeconfig.write_text(bench.kubeconfig.read_text().replace(bench.cluster.tokens.admin, "an-old-one"))
    bench.cluster.faults.expired_tokens.add("an-old-one")
    compare_failed(bench.apply(*GUIDE), "apply-unauthorized")


def compare_failed(answer: Answer, name: str) -> None:
    """Hold exit code, lines, blocks and the last lines against what the real one printed."""
    printed, golden = everything(answer), read(name)
    assert (answer.code, read_head(printed)) == (255, read_head(golden))
    blocks = read_blocks(printed)
    assert {component: blocks.get(component) for component in read_blocks(golden)} == read_blocks(golden)
    assert printed.partition(END)[2].strip() == golden.partition(END)[2].strip()
