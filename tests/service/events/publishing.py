"""A process that publishes many products into a home: python -m tests.service.events.publishing HOME COUNT."""

import sys
import tempfile
from pathlib import Path

from tests.service.homes import Publisher, open_home


def publish(home: str, count: int) -> None:
    """Publish so many Items with their COGs; every tenth is of an event that has one already, which it supersedes."""
    with tempfile.TemporaryDirectory() as workshop:
        publisher = Publisher(open_home(Path(home)).catalog, Path(workshop))
        for number in range(count):
            again = {"hazmon:lineage": "event:again", "hazmon:revision": number} if number % 10 == 9 else {}
            publisher.publish(**again)


if __name__ == "__main__":
    publish(sys.argv[1], int(sys.argv[2]))
