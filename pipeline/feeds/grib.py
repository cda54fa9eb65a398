"""Weather forecasts in GRIB, fetched by index: of each file only the byte ranges of the messages that are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import ConfigError, FeedMalformed, FeedUnavailable
from pipeline.feeds import http, options
from pipeline.feeds.grib_decode import to_dataset
from pipeline.feeds.grib_index import Record, distinct, looks_like_index, merged, parse_idx
from pipeline.feeds.grib_messages import Message, read_messages, spans
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.grid import regrid
from pipeline.model import Bounds, Granule, Window

#: An object store answers 403 instead of 404 where nobody may list it.
_NOT_THERE = (403, 404)
#: Cells kept around the box of a target grid, degrees, so that its edge can be interpolated.
_MARGIN = 1.0
#: Longest forecast that is believed, hours.
_LONGEST = 24 * 46


@dataclass(frozen=True)
class GribIndexFeed:
    """Cycles of one weather model whose files lie beside an index.

    A granule is a model cycle, `gfs-2024040500`: all wanted messages of all wanted steps, without repetitions, as one
    GRIB stream. It is offered when the index of its last step is there.
    """

    id: str
    url: str
    allowed_hosts: tuple[str, ...] = ()
    model: str = ""
    """Name of the model in granule ids."""
    centre: str = ""
    """The producing centre as ecCodes abbreviates it (kwbc, ecmf); tells its files apart from others on disk."""
    index: Literal["ecmwf", "wgrib2"] = "wgrib2"
    """`ecmwf`: file.index in place of file.grib2; `wgrib2`: file.idx beside file."""
    path: str = ""
    """Path of a file below the URL, with {date} (20240405), {hour} (00) and {step}, which may be {step:03d}."""
    cycles: tuple[int, ...] = (0, 6, 12, 18)
    """Hours of the day at which the model starts, UTC."""
    steps: Sequence[int] | Mapping[str, int] = field(default_factory=lambda: {"first": 3, "last": 24, "every": 3})
    """Lead times, hours: a list, or first, last and every."""
    messages: tuple[str, ...] = ()
    """Wanted messages in the index's own words: `TMP:2 m above ground`, `2t:sfc`, `t:pl:850`."""
    bounds: Sequence[float] | None = None
    """West, south, east, north, degrees: what is kept when decoded; none: everything."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(f"feed {self.id}: url: found {self.url!r}, expected an http(s) address")
        object.__setattr__(self, "allowed_hosts", options.texts(self.id, "allowed_hosts", self.allowed_hosts))
        object.__setattr__(self, "messages", options.texts(self.id, "messages", self.messages))
        options.one_of(self.id, "index", self.index, ("ecmwf", "wgrib2"))
        object.__setattr__(self, "cycles", self._hours("cycles", self.cycles, 23))
        object.__setattr__(self, "steps", self._hours("steps", self._listed(self.steps), _LONGEST))
        if not self.model or not self.path or not self.messages:
            raise ConfigError(f"feed {self.id}: options model, path and messages: found one empty, expected all three")
        try:
            self._url(datetime(2024, 1, 1, tzinfo=UTC), 3)
        except (KeyError, IndexError, ValueError) as error:
            raise options.refuse(self.id, "path", self.path, "a path with {date}, {hour} and {step}") from error
        if self.bounds is not None:
            object.__setattr__(self, "bounds", self._box(self.bounds))

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield the cycles that start in a window and are complete: the index of their last step is there.

        Raises
        ------
        FeedUnavailable, FeedMalformed, FeedRefused
            As the source behaves.
        """
        for cycle in self._cycles(window):
            url = self._index_url(self._url(cycle, self._leads[-1]))
            response = http.get(url, allowed=self._allowed, accept=_NOT_THERE)
            if response.status_code in _NOT_THERE:
                continue
            parse_idx(_text(response.content, url), url)
            yield self._granule(self.model, cycle, cycle + timedelta(hours=self._leads[-1]))

    def fetch(self, granule: Granule) -> Fetched:
        """Return the wanted messages of a cycle, each once, in order of step and place, as one GRIB stream.

        Raises
        ------
        FeedUnavailable
            Where a step, or a wanted message of a step, is not there yet.
        FeedMalformed, FeedRefused
            As the source behaves; each range must be whole messages.
        """
        if granule.start is None:
            raise FeedMalformed(f"{granule.id}: no start, expected the time of a model cycle")
        parts = [self._step(granule.start, step) for step in self._leads]
        return Fetched(b"".join(parts))

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield one granule per centre and cycle of a GRIB file; an index is rejected with the number of its messages.

        Raises
        ------
        FeedMalformed
            Where it is neither, or cut.
        """
        if looks_like_index(data):
            records = parse_idx(_text(data, name), name)
            count = len(distinct(records))
            yield Rejected(
                data, f"{name}: an index of {len(records)} messages ({count} distinct), expected the GRIB file", name
            )
            return
        found: dict[tuple[str, datetime], list[Message]] = {}
        for message in read_messages(data, name):
            model = self.model if message.centre == self.centre else message.centre
            found.setdefault((model, message.reference), []).append(message)
        for (model, cycle), messages in found.items():
            try:
                end = cycle + max(message.end for message in messages)
            except OverflowError as error:
                raise FeedMalformed(f"{name}: cycle {cycle}: a lead time beyond the calendar") from error
            yield self._granule(model, cycle, end), b"".join(message.data for message in messages)

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return the messages of a cycle as CF variables (see `grib_decode.to_dataset`), values unpacked when asked for.

        Parameters
        ----------
        data
            A GRIB stream of one cycle.
        granule
            The cycle.
        geobox
            A grid to interpolate to, bilinearly; None: the model's own, within the option `bounds`.

        Raises
        ------
        FeedMalformed
            Where the stream cannot be read; from the values, too, where they cannot be unpacked.
        """
        box = self._box(self.bounds) if self.bounds is not None else None
        if geobox is not None:
            around = geobox.footprint("EPSG:4326").boundingbox
            box = (around.left - _MARGIN, around.bottom - _MARGIN, around.right + _MARGIN, around.top + _MARGIN)
        dataset = to_dataset(read_messages(data, granule.id), granule.id, box)
        dataset = dataset.assign_attrs(id=granule.id)
        if geobox is None:
            return dataset
        if "point" in dataset.dims:
            raise FeedMalformed(f"{granule.id}: values on points, expected a regular grid to interpolate from")
        warped = {name: regrid(array, geobox, "bilinear") for name, array in dataset.data_vars.items()}
        return xr.Dataset(warped, attrs=dataset.attrs)

    @property
    def _allowed(self) -> tuple[str, ...]:
        return http.hosts(self.url, self.allowed_hosts)

    @property
    def _leads(self) -> tuple[int, ...]:
        return tuple(self.steps) if not isinstance(self.steps, Mapping) else ()

    def _granule(self, model: str, cycle: datetime, end: datetime) -> Granule:
        own = model == self.model
        return Granule(
            feed=self.id,
            id=f"{model}-{cycle:%Y%m%d%H}",
            href=self._url(cycle, self._leads[0]) if own else "",
            start=cycle,
            end=end,
            issued=cycle,
            bounds=self._box(self.bounds) if own and self.bounds is not None else None,
        )

    def _step(self, cycle: datetime, step: int) -> bytes:
        """Return the wanted messages of one step, in order of their place in the file."""
        url = self._url(cycle, step)
        index = self._index_url(url)
        records = parse_idx(_text(http.get(index, allowed=self._allowed).content, index), index)
        wanted = sorted(distinct(r for r in records if r.key in self.messages), key=lambda r: r.start)
        if any(record.reference != cycle for record in wanted):
            raise FeedMalformed(f"{index}: names cycle {wanted[0].reference}, expected {cycle}")
        self._check_complete({record.key for record in wanted}, step, index)
        ranges = merged(wanted)
        bodies = {first: http.get(url, allowed=self._allowed, byte_range=(first, end)).content for first, end in ranges}
        return b"".join(_cut(record, bodies, url) for record in _once(wanted))

    def _check_complete(self, found: set[str], step: int, index: str) -> None:
        """Refuse an index without a wanted message; nothing has accumulated at step 0 yet."""
        missing = [key for key in self.messages if key not in found]
        if missing and step > 0:
            raise FeedUnavailable(f"{index}: does not name {missing} yet")

    def _url(self, cycle: datetime, step: int) -> str:
        return f"{self.url.rstrip('/')}/{self.path.format(date=f'{cycle:%Y%m%d}', hour=f'{cycle:%H}', step=step)}"

    def _index_url(self, url: str) -> str:
        return f"{url.removesuffix('.grib2')}.index" if self.index == "ecmwf" else f"{url}.idx"

    def _cycles(self, window: Window) -> Iterator[datetime]:
        day = window.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        while day < window.end:
            for hour in self.cycles:
                if day + timedelta(hours=hour) in window:
                    yield day + timedelta(hours=hour)
            day += timedelta(days=1)

    def _listed(self, steps: object) -> object:
        """Return lead times as a list where they are given as first, last and every."""
        if not isinstance(steps, Mapping):
            return steps
        if set(steps) != {"first", "last", "every"} or not all(type(v) is int for v in steps.values()) or steps["every"] < 1:
            raise options.refuse(self.id, "steps", dict(steps), "hours as {first: , last: , every: }")
        return list(range(steps["first"], steps["last"] + 1, steps["every"]))

    def _hours(self, option: str, value: object, largest: int) -> tuple[int, ...]:
        if isinstance(value, list | tuple) and value and all(type(hour) is int and 0 <= hour <= largest for hour in value):
            return tuple(sorted(set(value)))
        raise options.refuse(self.id, option, value, f"a list of hours, 0 to {largest}")

    def _box(self, value: Any) -> Bounds:
        if not isinstance(value, list | tuple) or len(value) != 4:
            raise options.refuse(self.id, "bounds", value, "west, south, east, north")
        west, south, east, north = (options.number(self.id, "bounds", entry) for entry in value)
        if not (west < east and -90 <= south < north <= 90):
            raise options.refuse(self.id, "bounds", value, "west < east, south < north, degrees")
        return west, south, east, north


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise FeedMalformed(f"{name}: not an index: {error}") from error


def _once(records: Sequence[Record]) -> list[Record]:
    """Return records without those that lie in the same bytes: parts of one message (wind components) are fetched once."""
    return list({record.start: record for record in records}.values())


def _cut(record: Record, bodies: Mapping[int, bytes], url: str) -> bytes:
    """Return the bytes of one record, which must be whole messages without anything between them."""
    first = max(start for start in bodies if start <= record.start)
    body = bodies[first][record.start - first : None if record.end is None else record.end - first]
    if record.end is not None and len(body) != record.end - record.start:
        raise FeedMalformed(f"{url}: {len(body)} bytes at {record.start}, the index says {record.end - record.start}")
    return b"".join(body[start:end] for start, end in spans(body, f"{url} from byte {record.start}"))
