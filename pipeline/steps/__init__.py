"""The verbs: what the command line, the DAGs and the exercises share; the only place that sees all rooms.

    poll(work, feed, now)                 -> Discovery         what is new, and what an earlier poll left unfinished
    ingest(work, granule, now)            -> ObservationRef    fetched, decoded, checked, archived
    due(work, observation, now)           -> list[Trigger]     the subjects it is news for
    compute(work, hazard, subject, now)   -> ProductRef        staged
    publish(work, product, now)           -> ProductRef        public
    warn(work, hazard, subject, now)      -> list[AlertRef]    CAP messages

Plain and idempotent functions; `now` is always an argument.
"""

from pipeline.model import AlertRef, Granule, ObservationRef, ProductRef, Trigger, from_json, to_json
from pipeline.steps.by_hand import EventFiles, parameters_set, run_on_event
from pipeline.steps.compute import compute, followers, outdated, publish, run, run_all
from pipeline.steps.due import due
from pipeline.steps.files import Files, run_on_files
from pipeline.steps.ingest import INSTANT, Discovery, account, discover, ingest, ingest_file, look, poll, since, take
from pipeline.steps.journal import begin, end, left
from pipeline.steps.polls import Polls
from pipeline.steps.reproduce import Reproduction, reproduce
from pipeline.steps.warn import warn
from pipeline.steps.workspace import Workspace, open_workspace

__all__ = [
    "INSTANT",
    "AlertRef",
    "Discovery",
    "EventFiles",
    "Files",
    "Granule",
    "ObservationRef",
    "Polls",
    "ProductRef",
    "Reproduction",
    "Trigger",
    "Workspace",
    "account",
    "begin",
    "compute",
    "discover",
    "due",
    "end",
    "followers",
    "from_json",
    "ingest",
    "ingest_file",
    "left",
    "look",
    "open_workspace",
    "outdated",
    "parameters_set",
    "poll",
    "publish",
    "reproduce",
    "run",
    "run_all",
    "run_on_event",
    "run_on_files",
    "since",
    "take",
    "to_json",
    "warn",
]
