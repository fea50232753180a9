"""A model as a folder: `manifest.json`, `arrays.npz`, `card.md` and plots. The same model is the same bytes; what is read is not trusted.

A model may come from anywhere, so nothing in it is executed and nothing is believed: no pickle, no array of objects, no more bytes than
a cap, and the arrays must have the digest that the manifest names. What the arrays mean is not known here. The version of an artifact is
the digest of its manifest, which holds that of the arrays; card and plots are for people, and do not change it.
"""

import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from ratelimit.anomaly.manifest import FORMAT, Manifest
from ratelimit.anomaly.signal_table import FAMILIES, Family, SignalTable, table_of
from ratelimit.core.errors import ConfigError

MANIFEST: Final = "manifest.json"
ARRAYS: Final = "arrays.npz"
CARD: Final = "card.md"
MAX_MANIFEST_BYTES: Final = 1_048_576
MAX_ARRAY_BYTES: Final = 134_217_728  # unpacked, all together; a model of 100 trees for each kind of subject takes 2 MB
MAX_ARRAYS: Final = 200
VERSION_DIGITS: Final = 12  # of the manifest's digest

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # of files in a zip: the first that it can write, so that no clock is in it
_READ_HEADER: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

Arrays = Mapping[str, NDArray[Any]]


class ArtifactError(ConfigError):
    """A model that cannot be used; the message says which file, what was found and what was expected."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__([f"{path}: {problem}"])


class Artifact(NamedTuple):
    """What was read from `folder`; `version` are the first digits of its digest."""

    folder: Path
    manifest: Manifest
    arrays: Arrays
    version: str

    def error(self, problem: str) -> ArtifactError:
        """That the arrays are not what they should be."""
        return ArtifactError(self.folder / ARRAYS, problem)


def write_artifact(folder: Path, manifest: Manifest, arrays: Arrays, files: Mapping[str, bytes]) -> str:
    """Write a model, and in `files` what is beside it by name, such as the card; returns its version.

    Whoever watches the folder never takes half of it for a model: the manifest comes last, and until then names other arrays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    packed = _pack(arrays)
    for name, content in {**files, ARRAYS: packed}.items():
        _replace(folder / name, content)
    encoded = msgspec.json.encode(replace(manifest, sha256=sha256(packed).hexdigest()), order="sorted")
    encoded = msgspec.json.format(encoded, indent=2) + b"\n"
    _replace(folder / MANIFEST, encoded)
    return _version(encoded)


def read_artifact(folder: Path, family: Family = "requests") -> Artifact:
    """The model of that family in a folder. Raises ArtifactError."""
    path = folder / MANIFEST
    encoded = _read(path, MAX_MANIFEST_BYTES)
    manifest = _decode(path, encoded, family)
    packed = _read(folder / ARRAYS, MAX_ARRAY_BYTES)
    if (found := sha256(packed).hexdigest()) != manifest.sha256:
        raise ArtifactError(
            folder / ARRAYS,
            f"has the digest {found[:VERSION_DIGITS]}…; expected {manifest.sha256[:VERSION_DIGITS]}…, which the manifest names: "
            "it was altered, cut short, or belongs to another model",
        )
    return Artifact(folder, manifest, _unpack(folder / ARRAYS, packed), _version(encoded))


def family_of(folder: Path) -> Family:
    """What a folder holds a model of; of what cannot be read that is requests, and reading it will say why."""
    try:
        found = msgspec.json.decode(_read(folder / MANIFEST, MAX_MANIFEST_BYTES))
    except (ArtifactError, msgspec.DecodeError):
        return "requests"
    return "purchases" if isinstance(found, dict) and found.get("kind") == "purchases" else "requests"


def _version(manifest: bytes) -> str:
    return sha256(manifest).hexdigest()[:VERSION_DIGITS]


def _decode(path: Path, encoded: bytes, family: Family) -> Manifest:
    try:
        # the format first: what else a newer one says, this version cannot know
        found = msgspec.json.decode(encoded)
        made = found.get("format") if isinstance(found, dict) else None
        if made != FORMAT:
            raise ArtifactError(path, f"is of format {made!r}; expected {FORMAT}: it was written by another version")
        manifest = msgspec.convert(found, Manifest)
    except msgspec.ValidationError as error:
        raise ArtifactError(path, f"is no model's manifest: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(path, f"is not JSON ({error}); expected a model's manifest") from None
    table = table_of(FAMILIES[family][0])
    if manifest.kind != family:
        raise ArtifactError(path, f"is a model of {manifest.kind[:40]!r}; expected one of '{family}'")
    if manifest.signal_version != table.version or manifest.signals != table.names:
        raise ArtifactError(path, f"was trained on {_differing(manifest, table)}; train it again")
    return manifest


def _differing(manifest: Manifest, table: SignalTable) -> str:
    if manifest.signal_version != table.version:
        return f"version {manifest.signal_version} of the signals; expected version {table.version}"
    for number, (found, expected) in enumerate(zip(manifest.signals, table.names, strict=False)):
        if found != expected:
            return f"other signals: number {number} is {found[:40]!r}; expected '{expected}'"
    return f"{len(manifest.signals)} signals; expected {len(table.names)}"


def _read(path: Path, most: int) -> bytes:
    try:
        if not path.is_file():  # a pipe would block for ever
            raise ArtifactError(path, "is missing; expected a model's folder with manifest.json and arrays.npz")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ArtifactError(path, f"cannot be read ({error.strerror})") from None
    if len(content) > most:
        raise ArtifactError(path, f"is over {most} bytes; expected a model, which takes a few million")
    return content


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    beside.replace(path)


def _pack(arrays: Arrays) -> bytes:
    """What numpy.load reads as well; names in their order, and no clock in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]), version=(1, 0), allow_pickle=False)
            archive.writestr(entry, content.getvalue(), compresslevel=9)
    return packed.getvalue()


def _unpack(path: Path, packed: bytes) -> dict[str, NDArray[Any]]:
    return {name.removesuffix(".npy"): _array(path, name, content) for name, content in _entries(path, packed)}


def _entries(path: Path, packed: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if len(entries) <= MAX_ARRAYS and size <= MAX_ARRAY_BYTES:
                return [(entry.filename, archive.read(entry)) for entry in entries]
    except Exception as error:  # zipfile raises whatever its parts do: zlib.error, ValueError for an offset that is none
        raise ArtifactError(path, f"is no archive of arrays ({str(error)[:80]}); expected what numpy.savez writes") from None
    raise ArtifactError(path, f"holds {len(entries)} arrays of {size} bytes; expected at most {MAX_ARRAYS} of {MAX_ARRAY_BYTES} bytes")


def _array(path: Path, name: str, content: bytes) -> NDArray[Any]:
    """One array, from its bytes alone: its header cannot make us allocate more than there is."""
    file = io.BytesIO(content)
    try:
        read_header = _READ_HEADER[np.lib.format.read_magic(file)]
        shape, by_column, dtype = read_header(file)
    except (ValueError, KeyError, SyntaxError) as error:
        raise ArtifactError(path, f"{name[:60]!r} is no array ({str(error)[:80]}); expected the .npy format") from None
    left = len(content) - file.tell()
    if dtype.kind not in "fiub":
        raise ArtifactError(path, f"{name[:60]!r} holds {dtype}; expected numbers, never objects")
    if by_column or any(length < 0 for length in shape) or prod(shape) * dtype.itemsize != left:
        raise ArtifactError(path, f"{name[:60]!r} has {left} bytes for the shape {shape} of {dtype}; expected as many as it takes, by rows")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)
