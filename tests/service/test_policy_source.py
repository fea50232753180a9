"""Reading policy files: broken or hostile YAML is refused with file, line and column, and never hangs."""

import os
from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.service.policy_source import MAX_BYTES, built_in_policy, make_policy, read_policy

SOUND = b"version: 1\nlimits:\n  - {name: a, per: [ip], bucket: {capacity: 3, refill: 10/s}}\n"
BOMB = b"a: &a [x,x,x,x]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c]\n" % (n + 1, n + 1, n, n, n) for n in range(ord("a"), ord("z")))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: [1", "p.yaml:2:1: while parsing a flow sequence, did not find expected ',' or ']'"),
        (b"a: 1\nb: {c: 1, c: 2}", "p.yaml:2:11: 'c' is there twice; expected once"),
        (b"a: 1\n" + SOUND + b"version: 1\n", "p.yaml:5:1: 'version' is there twice; expected once"),
        (BOMB, "p.yaml:1:4: anchors and aliases are not allowed; expected every value written out"),
        (b"a: 1\nb: *a", "p.yaml:2:4: anchors and aliases are not allowed; expected every value written out"),
        (b"[" * 900_000, "p.yaml:1:"),  # which libyaml 0.2.6 refuses by itself
        (b"[" * 900, "p.yaml:1:33: nested deeper than 32 levels; expected a policy, which has six"),
        (b"- " * 500_000, "p.yaml:1:65: nested deeper than 32 levels; expected a policy, which has six"),
        (b"a: !!python/object/apply:os.abort []", "p.yaml:1:4: could not determine a constructor for the tag"),
        (b"a: 1\n--- \nb: 1", "p.yaml:2:1: expected a single document in the stream, but found another document"),
        (b"? [a]\n: 1", "p.yaml:1:3: while constructing a mapping, found unhashable key"),
        (b"a: 2026-13-45", "p.yaml: cannot be read: month must be in 1..12"),
        (b"a: " + b"9" * 900_000, "p.yaml: cannot be read: Exceeds the limit"),
        (b"a: \x00", "p.yaml: cannot be read: unacceptable character"),
        (b"a: \xff", "p.yaml: byte 4 is not UTF-8; expected a text file"),
    ],
    ids=lambda value: value[:20].decode("ascii", "replace") if isinstance(value, bytes) else "",
)
def test_broken_yaml(content: bytes, problem: str) -> None:
    """What is no plain YAML is refused with one line that says where and what."""
    with pytest.raises(ConfigError) as refused:
        make_policy(content, "p.yaml")
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith(problem)


def test_bom_and_comments_are_fine() -> None:
    """A byte order mark and comments are no problem and leave the digest."""
    assert make_policy(b"\xef\xbb\xbf# hello\n" + SOUND, "p").digest == make_policy(SOUND, "p").digest


def test_file_is_read(tmp_path: Path) -> None:
    """A sound file becomes a policy that knows where it came from."""
    path = tmp_path / "ratelimit.yaml"
    path.write_bytes(SOUND)
    policy = read_policy(path)
    assert policy.source == str(path)
    assert [limit.name for limit in policy.limits] == ["a"]


def test_what_is_no_file(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe and a huge file are refused at once, each with its reason."""
    pipe, huge = tmp_path / "pipe", tmp_path / "huge"
    os.mkfifo(pipe)
    huge.write_bytes(b"#" * (MAX_BYTES + 1))
    expected = {
        tmp_path / "none": "cannot be read (No such file or directory); expected a policy in YAML",
        tmp_path: "is not a plain file; expected a policy in YAML",
        pipe: "is not a plain file; expected a policy in YAML",
        huge: f"is over {MAX_BYTES} bytes; expected a policy, which takes a few thousand",
        Path("a\0b"): "cannot be read (",
    }
    for path, problem in expected.items():
        with pytest.raises(ConfigError) as refused:
            read_policy(path)
        assert refused.value.problems[0].startswith(f"{path}: {problem}")


def test_built_in_policy_is_sound() -> None:
    """The policy that ships has no problem and no warning, and limits a first request by key and by address."""
    policy = built_in_policy()
    assert policy.warnings == ()
    assert [limit.name for limit in policy.match("POST", "/login", None)] == ["key", "login", "ip-backstop", "neighbourhood"]


@pytest.mark.parametrize("name", ["on", "off", "yes", "no", "n", "false-crawler", "truer", "tr"])
def test_only_true_and_false_are_bools(name: str) -> None:
    """As in YAML 1.2: a text that begins like a bool, or was one in YAML 1.1, is a text."""
    text = f"version: 1\nlimits: [{{name: {name}, per: [ip], bucket: {{capacity: 1, refill: 1/s}}}}]\n"
    assert make_policy(text.encode(), "p").limits[0].name == name
