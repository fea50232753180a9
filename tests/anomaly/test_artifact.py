"""A model's folder: what is written comes back, the same model is the same bytes, and what is no model is refused with the reason."""

import io
import pickle
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from ratelimit.anomaly import artifact
from ratelimit.anomaly.artifact import ARRAYS, MANIFEST, MAX_ARRAY_BYTES, ArtifactError, read_artifact, write_artifact
from ratelimit.anomaly.manifest import Manifest

MADE = {"ip/value": np.arange(6.0).reshape(2, 3), "ip/feature": np.array([[1, 2]], np.int16), "ip/empty": np.zeros((0, 4), np.float32)}


def entry(content: bytes, name: str = "a.npy") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def npy(array: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array)
    return content.getvalue()


def arrays_are(folder: Path, packed: bytes) -> None:
    """Arrays of somebody who has given them the right digest."""
    (folder / ARRAYS).write_bytes(packed)
    say(folder, sha256=sha256(packed).hexdigest())


def say(folder: Path, **changed: object) -> None:
    found = msgspec.json.decode((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_bytes(msgspec.json.encode({**found, **changed}))


def test_round_trip(tmp_path: Path, manifest: Manifest) -> None:
    """Arrays come back bit for bit, the manifest with the digest of them, and files beside it lie there."""
    version = write_artifact(tmp_path / "new" / "model", manifest, MADE, {"card.md": b"# Card\n"})
    found = read_artifact(tmp_path / "new" / "model")
    assert found.version == version
    assert len(version) == artifact.VERSION_DIGITS
    assert msgspec.structs.replace(found.manifest, sha256="") == manifest
    assert {name: (array.dtype, array.tolist()) for name, array in found.arrays.items()} == {
        name: (array.dtype, array.tolist()) for name, array in MADE.items()
    }
    assert sorted(path.name for path in found.folder.iterdir()) == [ARRAYS, "card.md", MANIFEST]
    with np.load(found.folder / ARRAYS) as loaded:
        assert loaded["ip/value"].tolist() == MADE["ip/value"].tolist()


def test_same_model_same_bytes(tmp_path: Path, manifest: Manifest) -> None:
    """Neither the clock nor the order of names is in what is written; another number or another manifest is another version."""
    first = write_artifact(tmp_path / "a", manifest, MADE, {})
    assert write_artifact(tmp_path / "b", manifest, dict(reversed(MADE.items())), {}) == first
    assert (tmp_path / "a" / ARRAYS).read_bytes() == (tmp_path / "b" / ARRAYS).read_bytes()
    assert write_artifact(tmp_path / "b", manifest, {**MADE, "ip/value": MADE["ip/value"] + 1e-9}, {}) != first
    assert write_artifact(tmp_path / "b", msgspec.structs.replace(manifest, metrics={"auc": 0.9}), MADE, {}) != first


def half(folder: Path) -> None:
    (folder / ARRAYS).write_bytes((folder / ARRAYS).read_bytes()[:-9])


def altered(folder: Path) -> None:
    content = bytearray((folder / ARRAYS).read_bytes())
    content[60] ^= 1
    (folder / ARRAYS).write_bytes(content)


HUGE_SHAPE = npy(np.zeros(9)).replace(b"(9,)", b"(9000000000000,)".ljust(4)).replace(b"}" + b" " * 12, b"}")
OBJECTS = np.array([{"a": 1}], dtype=object)

REFUSED: list[tuple[str, Callable[[Path], object], str]] = [
    ("no arrays", lambda at: (at / ARRAYS).unlink(), "arrays.npz: is missing"),
    ("no manifest", lambda at: (at / MANIFEST).unlink(), "manifest.json: is missing; expected a model's folder"),
    ("truncated", half, "arrays.npz: has the digest"),
    ("altered", altered, "it was altered, cut short, or belongs to another model"),
    ("no JSON", lambda at: (at / MANIFEST).write_bytes(b"{"), "manifest.json: is not JSON"),
    ("deep JSON", lambda at: (at / MANIFEST).write_bytes(b"[" * 500_000), "manifest.json: is not JSON"),
    ("no manifest's JSON", lambda at: (at / MANIFEST).write_bytes(b"[1]"), "is of format None; expected 1"),
    ("future", lambda at: say(at, format=2, news="x"), "is of format 2; expected 1: it was written by another version"),
    ("unknown field", lambda at: say(at, news="x"), "is no model's manifest: Object contains unknown field `news`"),
    ("wrong type", lambda at: say(at, trained=3), "is no model's manifest: Expected `object`, got `int` - at `$.trained`"),
    ("other kind", lambda at: say(at, kind="purchases"), "is a model of 'purchases'; expected one of 'requests'"),
    ("other signals", lambda at: say(at, signal_version=7), "version 7 of the signals; expected version 1; train it again"),
    ("renamed signal", lambda at: say(at, signals=["attempts_9s"]), "number 0 is 'attempts_9s'; expected 'attempts_10s'"),
    ("fewer signals", lambda at: say(at, signals=["attempts_10s"]), "1 signals; expected 42"),
    ("pickle", lambda at: arrays_are(at, pickle.dumps(OBJECTS)), "is no archive of arrays"),
    ("plain array", lambda at: arrays_are(at, npy(np.zeros(3))), "is no archive of arrays"),
    ("pickled array", lambda at: arrays_are(at, entry(npy(OBJECTS))), "'a.npy' holds object; expected numbers, never objects"),
    ("pickle for an array", lambda at: arrays_are(at, entry(pickle.dumps([1]))), "'a.npy' is no array"),
    ("texts", lambda at: arrays_are(at, entry(npy(np.array(["x"])))), "'a.npy' holds <U1; expected numbers"),
    ("records", lambda at: arrays_are(at, entry(npy(np.zeros(2, [("a", "f8")])))), "expected numbers"),
    ("by column", lambda at: arrays_are(at, entry(npy(np.zeros((2, 2), order="F")))), "expected as many as it takes, by rows"),
    ("huge shape", lambda at: arrays_are(at, entry(HUGE_SHAPE)), "has 72 bytes for the shape (9000000000000,) of float64"),
    ("cut short inside", lambda at: arrays_are(at, entry(npy(np.zeros(9))[:-8])), "has 64 bytes for the shape (9,)"),
    ("bomb", lambda at: arrays_are(at, entry(bytes(MAX_ARRAY_BYTES + 1))), f"expected at most 200 of {MAX_ARRAY_BYTES} bytes"),
]


@pytest.mark.parametrize(("break_it", "problem"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(tmp_path: Path, manifest: Manifest, break_it: Callable[[Path], object], problem: str) -> None:
    """What is no model, or not one for us, is refused with the file, what was found and what was expected."""
    write_artifact(tmp_path, manifest, MADE, {})
    break_it(tmp_path)
    with pytest.raises(ArtifactError) as refused:
        read_artifact(tmp_path)
    assert problem in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path))
    assert refused.value.exit_code == 2


def test_too_big_to_read(tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the cap is not read to its end."""
    write_artifact(tmp_path, manifest, MADE, {})
    monkeypatch.setattr(artifact, "MAX_MANIFEST_BYTES", 100)
    with pytest.raises(ArtifactError, match=r"manifest\.json: is over 100 bytes"):
        read_artifact(tmp_path)


def test_archive_that_is_broken_inside(tmp_path: Path, manifest: Manifest) -> None:
    """Whatever single byte of the archive is another, with the right digest: it is read as numbers or refused, never a crash."""
    write_artifact(tmp_path, manifest, MADE, {})
    whole = (tmp_path / ARRAYS).read_bytes()
    refused = 0
    for at in range(len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 0x55
        arrays_are(tmp_path, bytes(broken))
        try:
            read_artifact(tmp_path)
        except ArtifactError:
            refused += 1
    assert 0 < refused <= len(whole)
