"""The command `hazmon`: every verb of the pipeline, JSON lines in and out so that commands pipe."""

from pipeline.cli import drills, flow, look, published, serve
from pipeline.cli.root import app

__all__ = ["app", "drills", "flow", "look", "main", "published", "serve"]


def main() -> None:
    """Run the command line."""
    app()
