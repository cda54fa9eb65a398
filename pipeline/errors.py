"""The whole error tree, and who may retry what.

HazmonError
├── ConfigError            the configuration is wrong: a person mends it (exit 2)
├── FeedError
│   ├── FeedUnavailable    the source does not answer now: the only error that is retried
│   │   └── FeedChanged    it is no longer what its record says: recorded anew, then read
│   ├── FeedMalformed      the source answered something unreadable: quarantined, never retried
│   └── FeedRefused        policy forbids it (host not allowed, invented georeferencing): never retried
├── InputError             an array or argument breaks a declaration
│   ├── UnitsError         units missing or not convertible
│   └── GridError          not on the grid it should be on
├── InputNotReady          an input does not exist yet: rescheduled, not failed
│   └── NotConcerned       the subject is not one of the hazard's: too small or too far; nothing to wait for
├── StoreError             the store refuses or cannot be reached
│   ├── KeyMissing         nothing is stored under this key
│   ├── Unreadable         what is stored under a key is not what it should be
│   ├── Conflict           somebody else changed the object first
│   └── Busy               somebody else holds the pen: what was written before can still be read
├── ProductError           a product that cannot be written or read back
└── AlertError             an alert that may not be sent as it stands
"""


class HazmonError(Exception):
    """Root of every error raised on purpose; the message says what was found and what was expected."""

    exit_code = 1


class ConfigError(HazmonError):
    """The configuration is wrong; names file, field, found and expected."""

    exit_code = 2


class FeedError(HazmonError):
    """A remote source or its payload is at fault."""


class FeedUnavailable(FeedError):
    """The source does not answer now (time-out, 429, 5xx, connection refused); the only error retried.

    Parameters
    ----------
    message
        What was asked and what came back.
    retry_after
        Seconds the source asked to wait, where it did.
    """

    exit_code = 75

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FeedChanged(FeedUnavailable):
    """The source is no longer what its record in the archive says; a new record makes it readable again."""


class FeedMalformed(FeedError):
    """The payload cannot be read; its bytes go to quarantine and it is never retried."""

    exit_code = 65


class FeedRefused(FeedError):
    """Policy forbids this source or payload (host not allowed, invented georeferencing)."""

    exit_code = 65


class InputError(HazmonError):
    """An array or argument breaks a declaration."""

    exit_code = 2


class UnitsError(InputError):
    """Units are missing or cannot be converted."""


class GridError(InputError):
    """An array is not on the grid it should be on."""


class InputNotReady(HazmonError):
    """An input does not exist yet; the work is rescheduled, not failed."""

    exit_code = 75


class NotConcerned(InputNotReady):
    """The subject is too small or too far for the hazard; there is nothing to wait for."""


class Incomplete(HazmonError):
    """Some of what was expected is missing or unreadable; what is good was published, the run ends red."""

    exit_code = 65


class StoreError(HazmonError):
    """The store refuses or cannot be reached."""


class KeyMissing(StoreError):
    """Nothing is stored under this key."""


class Unreadable(StoreError):
    """What is stored under a key is not what it should be; names store, key, found and expected."""


class Conflict(StoreError):
    """Somebody else changed the object first."""


class Busy(StoreError):
    """Somebody else holds the pen of a cache; what was written before can still be read."""


class ProductError(HazmonError):
    """A product cannot be written or read back."""


class AlertError(HazmonError):
    """An alert may not be sent as it stands."""
