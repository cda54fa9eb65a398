"""What goes on in the background of one process: which of it has ended though it should not have, and which is held up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Background:
    """The work that no request waits for, by its name."""

    ended: dict[str, str] = field(default_factory=dict)
    """Why it ended before the service did; nothing does it any more in this process."""
    held_up: dict[str, Callable[[], str | None]] = field(default_factory=dict)
    """What holds it up at this moment; None: nothing."""

    def troubles(self) -> dict[str, str]:
        """Return what is held up, and by what."""
        return {name: found for name, look in self.held_up.items() if (found := look()) is not None}
