"""A private PostgreSQL with PostGIS for tests: one cluster a worker, a fresh pgstac database for each test that asks."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

#: Debian keeps the server's programs of each version here, off the PATH.
PROGRAMS = "/usr/lib/postgresql/*/bin/initdb"

#: A database that holds an empty pgstac, copied for each test.
TEMPLATE = "pgstac_template"

#: Quick, because nothing here has to outlive the machine.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "log_min_messages": "error",
}


@dataclass(frozen=True)
class Cluster:
    """A running server, reached by its socket's folder only."""

    folder: Path
    numbers: Iterator[int]

    def url(self, database: str) -> str:
        """Return the address of a database, as HAZMON_PGSTAC names one."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement of the tests' own."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def database(self, template: str) -> Iterator[str]:
        """Give the address of a new database, dropped afterwards."""
        name = f"test_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


def programs() -> Path:
    """Return the folder of the newest server on this machine; skips the test where there is none."""
    debian = sorted(Path("/").glob(PROGRAMS[1:]), key=lambda path: float(path.parts[4]))
    found = debian[-1] if debian else shutil.which("initdb")
    if found is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt install postgresql postgresql-postgis)")
    return Path(found).parent


def as_postgres(*command: str) -> list[str]:
    """Return a command that is not run by root, whom the server refuses, and that ends when this process does."""
    who = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig=QUIT", *who, *command]


@contextmanager
def cluster(folder: Path, otherwise: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Give a server whose files lie in a folder, stopped at the end; `otherwise` are settings besides the usual ones."""
    bin = programs()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    create = as_postgres(str(bin / "initdb"), "--auth=trust", "--username=postgres", "--no-sync", "--locale=C.UTF-8")
    subprocess.run([*create, "--encoding=UTF8", str(data)], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    settings = [f"--{name}={value}" for name, value in {**SETTINGS, **(otherwise or {})}.items()]
    server = as_postgres(str(bin / "postgres"), "-D", str(data), f"--unix_socket_directories={folder}", *settings)
    with (folder / "log").open("wb") as log, subprocess.Popen(server, stdout=log, stderr=log, cwd=folder) as process:
        found = Cluster(folder, count())
        try:
            _wait(found)
            yield found
        finally:
            process.send_signal(signal.SIGINT)  # it does not wait for who is still connected


def _wait(found: Cluster) -> None:
    import psycopg

    ready = retry(
        retry=retry_if_exception_type(psycopg.OperationalError), stop=stop_after_delay(60), wait=wait_fixed(0.05), reraise=True
    )
    ready(found.run)("SELECT 1")


def _has_postgis(found: Cluster) -> bool:
    import psycopg

    with psycopg.connect(found.url("postgres")) as connection:
        row = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchone()
    return row is not None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A server with PostGIS, for all tests of this worker."""
    pytest.importorskip("psycopg", reason="the extra pgstac is not installed")
    # Not pytest's own folder: only root may enter that.
    folder = Path(tempfile.mkdtemp(prefix="hazmon-postgres-"))
    try:
        with cluster(folder) as found:
            if not _has_postgis(found):
                pytest.skip("PostGIS is not installed (Debian: apt install postgresql-postgis)")
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(postgres: Cluster) -> str:
    """The name of a database that holds an empty pgstac."""
    from pipeline.service.stac.mirror import Mirror

    postgres.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
    with Mirror.open(postgres.url(TEMPLATE)) as mirror:
        mirror.prepare()
    return TEMPLATE


@pytest.fixture
def pgstac_url(postgres: Cluster, template: str) -> Iterator[str]:
    """The address of a fresh database with an empty pgstac."""
    with postgres.database(template) as url:
        yield url
