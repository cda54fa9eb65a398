"""Keys of the store that anybody may read, and the file that lies under one."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.service.door import PUBLIC
from pipeline.store import Store

#: What must not occur in a key as it was sent: encoded slashes, backslashes and NULs would be decoded to real ones.
_ENCODED = re.compile(rb"%(2f|5c|00)", re.IGNORECASE)

#: Longest key, characters.
_LONGEST = 1024


def is_public(key: str, sent: bytes = b"") -> bool:
    """Whether a key names an object that is public; `sent` is the path as the client wrote it.

    Examples
    --------
    >>> is_public("catalog/shaking/collection.json"), is_public("catalog/../ledger/x.json"), is_public("/etc/passwd")
    (True, False, False)
    """
    if len(key) > _LONGEST or _ENCODED.search(sent) or "\\" in key or not key.isprintable():
        return False
    parts = key.split("/")
    # "#" is how a local store names what is still being written.
    return (
        parts[0] in PUBLIC and len(parts) > 1 and all(part and not part.startswith(".") and "#" not in part for part in parts)
    )


def local_file(store: Store, key: str) -> Path | None:
    """Return the file under a key of a local store; None where there is none, or a link leads out of what is public."""
    root = Path(store.root)
    try:
        path = (root / key).resolve()
        if not path.is_file():
            return None
    except OSError:  # a name longer than the file system takes, or a file taken for a folder
        return None
    inside = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    return path if is_public(inside) else None
