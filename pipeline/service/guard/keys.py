"""Keys: who may write. Reading needs none."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pipeline.errors import ConfigError

if TYPE_CHECKING:  # a door opens onto the numerical stack; whoever only reads keys need not wait for it
    from pipeline.service.door import Door

#: Shortest key that cannot be guessed, characters.
SHORTEST = 24

_BEARER = HTTPBearer(auto_error=False, description="A key of HAZMON_KEYS")

Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


def read_keys(text: str) -> tuple[str, ...]:
    """Return the keys in a text that separates them by commas.

    Raises
    ------
    ConfigError
        Where one is short enough to be guessed.
    """
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    for number, key in enumerate(keys, 1):
        if len(key) < SHORTEST:
            raise ConfigError(
                f"HAZMON_KEYS: key {number} has {len(key)} characters, expected at least {SHORTEST}; "
                "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
    return keys


def require_key(door: Door) -> Callable[[HTTPAuthorizationCredentials | None], None]:
    """Return a dependency of routes that write: `dependencies=[Depends(require_key(door))]`.

    It answers 403 where the service has no key at all, 401 where the caller gives none, 403 where it gives a wrong one.
    """

    def required(given: Given) -> None:
        if not door.keys:
            raise HTTPException(403, "writing is switched off: the service has no keys (HAZMON_KEYS)")
        if given is None:
            raise HTTPException(401, "found no key, expected Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})
        found = given.credentials.encode()
        # All are compared, each in constant time: how long it takes tells nothing of them.
        if not sum(secrets.compare_digest(found, key.encode()) for key in door.keys):
            raise HTTPException(403, "found a key that is none of this service's")

    return required
