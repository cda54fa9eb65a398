"""The object store: a local folder or an S3 bucket behind six verbs; every put is whole or nothing."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore, S3Store

from pipeline.errors import ConfigError, KeyMissing, StoreError, Unreadable

#: Most bytes of a stream held at a time.
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a stored object without reading it."""

    size: int
    modified: datetime
    tag: str
    """Changes with the content; empty where the store gives none."""


@dataclass(frozen=True, slots=True)
class Store:
    """Objects under one root, addressed by keys such as `catalog/shaking/collection.json`.

    `root` is a folder path or `s3://bucket/prefix` (credentials, endpoint and region come from the usual
    AWS_* environment variables).
    """

    root: str
    _backend: LocalStore | S3Store

    @classmethod
    def open(cls, root: str | Path) -> Store:
        """Return the store at a folder (created where missing) or an `s3://bucket/prefix` URL.

        Raises
        ------
        ConfigError
            Where the URL is of another kind.
        """
        text = str(root)
        parts = urlsplit(text)
        if parts.scheme == "s3":
            return cls(text.rstrip("/"), _s3(parts.netloc, parts.path.strip("/")))
        if parts.scheme not in ("", "file"):
            raise ConfigError(f"store {text!r}: expected a folder or s3://bucket/prefix")
        folder = Path(parts.path if parts.scheme == "file" else text).expanduser().resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return cls(str(folder), LocalStore(folder))

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder."""
        return isinstance(self._backend, LocalStore)

    def put(self, key: str, data: bytes | Path) -> None:
        """Store bytes, or a file's content, under a key: readers see the old object or the new one, never a part."""
        try:
            obstore.put(self._backend, key, data)
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot write {key}: {error}") from error

    def create(self, key: str, data: bytes) -> bool:
        """Store bytes where nothing is stored yet; return False, changing nothing, where something is."""
        try:
            obstore.put(self._backend, key, data, mode="create")
        except (AlreadyExistsError, PreconditionError):
            return False
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot write {key}: {error}") from error
        return True

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Replace an object only where it still holds the expected bytes (None: does not exist): compare-and-swap."""
        if expected is None:
            return self.create(key, data)
        if isinstance(self._backend, S3Store):
            return self._swap_by_etag(key, expected, data)
        with locked(Path(self.root) / ".locks" / sha256(key.encode())[:16]):
            if not self.exists(key) or self.get(key) != expected:
                return False
            self.put(key, data)
        return True

    def _swap_by_etag(self, key: str, expected: bytes, data: bytes) -> bool:
        try:
            found = obstore.get(self._backend, key)
            if bytes(found.bytes()) != expected:
                return False
            obstore.put(self._backend, key, data, mode={"e_tag": found.meta["e_tag"] or ""})
        except (PreconditionError, FileNotFoundError):
            return False
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot swap {key}: {error}") from error
        return True

    def get(self, key: str) -> bytes:
        """Return the bytes stored under a key.

        Raises
        ------
        KeyMissing
            Where nothing is stored there.
        """
        try:
            return bytes(obstore.get(self._backend, key).bytes())
        except FileNotFoundError as error:
            raise KeyMissing(f"{self.root}: nothing is stored under {key}") from error
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot read {key}: {error}") from error

    def get_json(self, key: str) -> Any:
        """Return the JSON value stored under a key.

        Raises
        ------
        KeyMissing
            Where nothing is stored there.
        Unreadable
            Where it is no JSON.
        """
        return self.parsed(key, self.get(key))

    def parsed(self, key: str, data: bytes) -> Any:
        """Return the JSON value of bytes that were read from a key.

        Raises
        ------
        Unreadable
            Where they are no JSON.
        """
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"{self.root}: {key}: found {len(data)} bytes, expected JSON: {error}") from error

    def exists(self, key: str) -> bool:
        """Whether something is stored under a key."""
        try:
            obstore.head(self._backend, key)
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot look up {key}: {error}") from error
        return True

    def size(self, key: str) -> int:
        """Return the number of bytes stored under a key.

        Raises
        ------
        KeyMissing
            Where nothing is stored there.
        """
        try:
            return int(obstore.head(self._backend, key)["size"])
        except FileNotFoundError as error:
            raise KeyMissing(f"{self.root}: nothing is stored under {key}") from error
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot look up {key}: {error}") from error

    def about(self, key: str) -> About:
        """Return size, time of change and entity tag of an object.

        Raises
        ------
        KeyMissing
            Where nothing is stored there.
        """
        try:
            found = obstore.head(self._backend, key)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise KeyMissing(f"{self.root}: nothing is stored under {key}") from error
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot look up {key}: {error}") from error
        return About(int(found["size"]), found["last_modified"], found["e_tag"] or "")

    def stream(self, key: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes [start, stop) of an object in pieces of a megabyte, never more at a time.

        Raises
        ------
        KeyMissing
            Where nothing is stored there.
        """
        try:
            for first in range(start, stop, _PIECE):
                yield bytes(obstore.get_range(self._backend, key, start=first, end=min(first + _PIECE, stop)))
        except FileNotFoundError as error:
            raise KeyMissing(f"{self.root}: nothing is stored under {key}") from error
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot read {key}: {error}") from error

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys under a prefix (a folder), sorted."""
        try:
            found = [meta["path"] for batch in obstore.list(self._backend, prefix) for meta in batch]
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot list {prefix}: {error}") from error
        yield from sorted(found)

    def delete(self, key: str) -> None:
        """Remove an object; one that is missing already is no error."""
        try:
            obstore.delete(self._backend, key)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise StoreError(f"{self.root}: cannot delete {key}: {error}") from error

    def href(self, key: str) -> str:
        """Return the path or URL by which rasterio and other readers open an object."""
        return f"{self.root}/{key}"


def to_bytes(value: object) -> bytes:
    """Return canonical JSON: sorted keys, UTF-8, one trailing newline; equal values give equal bytes."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _s3(bucket: str, prefix: str) -> S3Store:
    """Return an S3 store; a plain-http endpoint (a server on the intranet) is allowed where one is configured."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    options: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
    if endpoint and endpoint.startswith("http://"):
        options["client_options"] = {"allow_http": True}
    return S3Store(bucket, prefix=prefix or None, **options)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between the processes of one machine."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
