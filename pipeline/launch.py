"""Starts Airflow's processes from one that has imported it once: `python -m pipeline.launch LOGS`, ended by SIGTERM.

Importing Airflow costs every process four seconds of one core. Here it is imported once, and the database migration and
the four processes are forked from that; while the database is migrated, each loads what only it needs. The scheduler
loads the numerical stack, which the tasks it forks inherit. No process outlives this one, nor this one its parent: it
adopts orphans, and the kernel tells it when its parent dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import runpy
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep

import psutil

#: What runs, and what each loads beforehand.
PROCESSES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("api-server",): ("airflow.api_fastapi.main",),
    ("scheduler", "--skip-serve-logs"): (
        "airflow.jobs.scheduler_job_runner",
        "airflow.executors.local_executor",
        "airflow.sdk.execution_time.task_runner",
        "pipeline.steps",
    ),
    ("dag-processor",): ("airflow.dag_processing.manager",),
    ("triggerer", "--skip-serve-logs"): ("airflow.jobs.triggerer_job_runner",),
}

#: Loaded once, by the process that forks the others.
_SHARED = ("airflow.cli.cli_parser", "airflow.models", "airflow.jobs.job", "airflow.sdk")

#: Seconds that running tasks are given to end.
_GRACE = 3.0

_ENDS = (signal.SIGTERM, signal.SIGINT)

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class _Stop(Exception):
    """SIGTERM or SIGINT came."""


def main() -> int:
    """Start everything, wait until told to stop or until a process ends, stop everything."""
    parent = os.getppid()
    for number in _ENDS:
        signal.signal(number, _stop)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    running: dict[int, str] = {}
    try:
        if os.getppid() == parent:
            _start(Path(sys.argv[1]), running)
            return _said(*_next(running))
    except _Stop:
        pass
    finally:
        for number in _ENDS:
            signal.signal(number, signal.SIG_IGN)
        _end(running)
    return 0


def _stop(number: int, frame: object) -> None:
    raise _Stop


def _start(logs: Path, running: dict[int, str]) -> None:
    """Fork the migration and the processes, which begin once it is done; `running` is filled as they are started."""
    # Or a module that is being imported, or what runs after a fork, might swallow what they raise.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    for name in _SHARED:
        importlib.import_module(name)
    gc.freeze()
    gate, done = os.pipe()
    running[_fork("migrate", logs, _airflow("db", "migrate"))] = "migrate"
    for arguments, preloaded in PROCESSES.items():
        running[_fork(arguments[0], logs, _gated(arguments, preloaded, gate, done))] = arguments[0]
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
    os.close(gate)
    name, code = _next(running)
    if name != "migrate" or code:
        raise SystemExit(_said(name, code))
    os.write(done, b"." * len(PROCESSES))
    os.close(done)


def _gated(arguments: tuple[str, ...], preloaded: tuple[str, ...], gate: int, done: int) -> Callable[[], None]:
    """Return what a process does: load, wait until the database is migrated, run."""

    def begin() -> None:
        os.close(done)
        for name in preloaded:
            importlib.import_module(name)
        if os.read(gate, 1):
            os.close(gate)
            _airflow(*arguments)()

    return begin


def _airflow(*arguments: str) -> Callable[[], None]:
    """Return a run of the airflow command in this process."""

    def run() -> None:
        importlib.import_module("setproctitle").setproctitle(f"airflow {arguments[0]}")
        sys.argv = ["airflow", *arguments]
        runpy.run_module("airflow", run_name="__main__", alter_sys=False)

    return run


def _fork(name: str, logs: Path, task: Callable[[], None]) -> int:
    """Run something in a child that writes to LOGS/NAME.log and dies with this process; return its id."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        out = os.open(logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if os.getppid() == parent:
            task()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        _leave(code)
    return 0


def _leave(code: int) -> None:
    """End this child without running what its parent registered."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _next(running: dict[int, str]) -> tuple[str, int]:
    """Return the name and exit code of the next process that ends, and forget it; adopted orphans are only reaped."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid in running:
            return running.pop(pid), os.waitstatus_to_exitcode(status)


def _said(name: str, code: int) -> int:
    """Say what ended although nothing told it to, and return the exit code for that."""
    sys.stdout.write(f"airflow {name} ended with exit code {code}\n")
    return 1


def _end(running: Mapping[int, str]) -> None:
    """End every process below this one: asked first, told after a grace."""
    for pid, name in running.items():
        _signal(pid, signal.SIGTERM)
        if name == "triggerer":  # told once, it waits ten seconds for triggers that are not there
            sleep(0.2)
            _signal(pid, signal.SIGTERM)
    deadline = monotonic() + _GRACE
    while _children() and monotonic() < deadline:
        sleep(0.05)
    while left := list(_children()):
        for process in left:
            _signal(process.pid, signal.SIGKILL)
        sleep(0.02)


def _children() -> list[psutil.Process]:
    """Return the live processes below this one, after reaping the dead."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return list(_alive(psutil.Process().children(recursive=True)))


def _alive(processes: list[psutil.Process]) -> Iterator[psutil.Process]:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal once its parent has ended, however it ended."""
    parent = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        raise SystemExit(1)


def _prctl(option: int, value: int) -> None:
    """Set a property of this process where the system has it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
