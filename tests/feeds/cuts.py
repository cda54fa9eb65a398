"""What a cut payload must never do: pass for the whole."""

from __future__ import annotations

from random import Random

from pipeline.errors import FeedMalformed
from pipeline.feeds.protocol import Feed, Rejected
from pipeline.model import Granule


def read(feed: Feed, data: bytes, name: str = "payload") -> tuple[list[Granule], int, list[Rejected]]:
    """Return the granules of a payload, the number of their origins, and what was rejected."""
    granules, origins, rejected = [], 0, []
    for found in feed.split(data, name):
        if isinstance(found, Rejected):
            rejected.append(found)
            continue
        granule, raw = found
        dataset = feed.decode(raw, granule)
        assert dataset.attrs["revision"] == granule.revision
        assert dataset.attrs["ids"][0] in granule.id
        granules.append(granule)
        origins += dataset.sizes["origin"]
    return granules, origins, rejected


def cut_everywhere(feed: Feed, data: bytes, *, times: int = 50, by_line: bool = False) -> None:
    """Cut a payload at random places: each is FeedMalformed or Rejected; text at a line end is shorter, never whole."""
    whole = len(read(feed, data)[0])
    random = Random(20240122)
    for _ in range(times):
        place = random.randrange(1, len(data.rstrip()))
        try:
            granules, _, rejected = read(feed, data[:place])
        except FeedMalformed:
            continue
        assert by_line, f"cut at {place}: passed for a whole payload"
        assert rejected or data[place - 1 : place] == b"\n"
        assert len(granules) < whole
