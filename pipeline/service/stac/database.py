"""Which database pgstac lies in, and whether what it needs is installed; read without importing any of that."""

from __future__ import annotations

import os
from importlib.util import find_spec

from pipeline.errors import ConfigError

#: Environment variable with the database's address; it may hold a password, so it is never in a file.
VARIABLE = "HAZMON_PGSTAC"

#: What the extra `pgstac` brings.
_PACKAGES = ("asyncpg", "psycopg", "pypgstac", "stac_fastapi.pgstac")


def database_url() -> str:
    """Return the address of the database.

    Raises
    ------
    ConfigError
        Where the environment does not name one, or a package is missing that reaches it.
    """
    missing = [name for name in _PACKAGES if not _is_installed(name)]
    if missing:
        raise ConfigError(f"backend pgstac: {', '.join(missing)} not found, expected: pip install 'hazmon[pgstac]'")
    url = os.environ.get(VARIABLE)
    if not url:
        raise ConfigError(f"{VARIABLE}: found nothing, expected postgresql://user:password@host:port/database")
    return url


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False
