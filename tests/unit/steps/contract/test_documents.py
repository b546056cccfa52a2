"""Texts of others, bounded before they are read."""

from __future__ import annotations

import tracemalloc

import pytest
import yaml

from steps.contract.documents import BadDocument, read_count, read_json, read_table, read_toml, read_yaml, write_yaml

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_documents_are_read() -> None:
    """Empty ones are left out."""
    assert read_yaml("a: 1\n---\n---\n- b\n") == [{"a": 1}, ["b"]]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "anchors"),
        ("[" * 60 + "]" * 60, "deeper than 50"),
        ("a: [", "not YAML"),
        ("a: 2001-99-99", "not YAML"),
        ("a: " + "x" * 1_100_000, "larger than 1024 KiB"),
        ("\x00", "not YAML"),
        ("a: !!python/object:os.system x", "not YAML"),
    ],
)
def test_what_can_t_be_read_is_a_sentence(text: str, why: str) -> None:
    """Whatever it is, it is the end of a sentence."""
    with pytest.raises(BadDocument, match=why):
        read_yaml(text)


WRITTEN = [
    {"kind": "ConfigMap", "data": {"mesh": "a: 1\nb: [2]\n", "long": "word " * 60, "tabs": "a\tb", "end": "a \n"}},
    {"none": None, "yes": True, "text": "yes", "number": "12", "float": 1.5, "empty": {}, "list": [], "quote": "it's"},
    {"umlaut": "Größe", "null": "~", "colon": "a: b", "hash": "a #b", "deep": [[{"a": [1]}]]},
    {"args": ["--x=1", "- y", "{z}", "*a", "&b", "!c", "%d", "@e", "`f`"], "lines": "\n\na\n\n", "date": "2026-11-30"},
]


@pytest.mark.parametrize("allow_unicode", [False, True])
def test_yaml_is_written_as_python_itself_writes_it(allow_unicode: bool) -> None:
    """By libyaml, in a tenth of the time; what was filed before reads the same."""
    text = write_yaml(WRITTEN, allow_unicode=allow_unicode)
    assert text == yaml.safe_dump_all(WRITTEN, sort_keys=False, allow_unicode=allow_unicode)
    assert read_yaml(text) == WRITTEN
    assert read_yaml(write_yaml(["\U0001f600"], allow_unicode=allow_unicode)) == ["\U0001f600"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[a", "not TOML"),
        ("a = " + "[" * 3_000, "nested too deep"),
        ("a = " + "{b=" * 3_000, "nested too deep"),
        ("a = " + "9" * 5_000, "not TOML"),
        ("a = '" + "x" * 1_100_000, "larger"),
    ],
)
def test_toml_has_bounds_too(text: str, why: str) -> None:
    """The bot's own settings, and release files."""
    with pytest.raises(BadDocument, match=why):
        read_toml(text)


@pytest.mark.parametrize(("text", "why"), [("{", "not JSON"), ("[" * 200_000, "not JSON"), (" " * 1_100_000, "larger")])
def test_json_has_bounds_too(text: str, why: str) -> None:
    """Deep nesting and size."""
    with pytest.raises(BadDocument, match=why):
        read_json(text)


def test_a_bomb_takes_no_memory() -> None:
    """It is refused before anything is built of it."""
    tracemalloc.start()
    with pytest.raises(BadDocument):
        read_yaml(BOMB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "1" * 5000, ":".join(["59"] * 3000), "+1_" + "0" * 5000])
def test_a_number_without_end_is_refused(number: str) -> None:
    """Python can't write it again, and one in sixties would take the square of its length to read."""
    with pytest.raises(BadDocument, match=r"number|not YAML"):
        read_yaml(f"tag: {number}")


def test_a_long_text_is_no_number() -> None:
    """Certificates and keys are long too."""
    assert read_yaml("ca: " + "abc/" * 1000) == [{"ca": "abc/" * 1000}]


@pytest.mark.parametrize("text", ['{"a":' * 150 + "1" + "}" * 150, "[" * 150 + "]" * 150])
def test_json_is_read_to_a_depth(text: str) -> None:
    """What walks over it afterwards has a stack too."""
    with pytest.raises(BadDocument, match="deeper than 100"):
        read_json(text)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1" * 5000])
def test_a_number_out_of_range_is_no_json(text: str) -> None:
    """It would be no number to reckon with."""
    with pytest.raises(BadDocument, match="not JSON"):
        read_json(text)


@pytest.mark.parametrize("text", ["5", "[]", "null", '"a"'])
def test_a_table_is_an_object(text: str) -> None:
    """Anything else is a sentence."""
    with pytest.raises(BadDocument, match="no JSON object"):
        read_table(text)


@pytest.mark.parametrize(("text", "count"), [("12", 12), ("", -1), ("-1", -1), ("1" * 19, -1), ("²", -1), ("1e3", -1)])
def test_a_count_is_a_whole_number(text: str, count: int) -> None:
    """Anything else is what was asked for in its place."""
    assert read_count(text, -1) == count


@pytest.mark.parametrize("allow_unicode", [False, True])
@pytest.mark.parametrize("text", ["\ud800", "a\udc80b", "\ude00\ud83d"])
def test_half_of_a_surrogate_pair_is_written_as_an_escape(text: str, allow_unicode: bool) -> None:
    """JSON may hold one; what is written has none, so it can be stored and sent."""
    told = write_yaml(iter([{"a": text}, {"b": 1}]), allow_unicode=allow_unicode)
    assert "\\uD" in told
    assert told.encode()
    assert "b: 1" in told
