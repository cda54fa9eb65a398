"""From inputs to a public product: read, regrid, layer, COG, Item, staged; then published, and what follows from it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from pipeline.config import HazardConfig
from pipeline.errors import FeedChanged, FeedMalformed, FeedRefused, InputError, InputNotReady, NotConcerned
from pipeline.layer import Layer
from pipeline.model import Event, ObservationRef, ProductRef, RegionPeriod, Scene, Subject, Trigger, moment, subject_from_key
from pipeline.observations import events
from pipeline.products import card, cog, item, qml, sheet, table, thumbnail
from pipeline.products import product as products
from pipeline.products.catalog import hazard_of, item_key, staged_key
from pipeline.products.collection import CollectionInfo
from pipeline.products.item import Notes
from pipeline.products.product import Product
from pipeline.steps import cluster, credit, waiting
from pipeline.steps.due import concerns
from pipeline.steps.inputs import Plan, record_map, resolve
from pipeline.steps.memory import COLD_START, cycles, driving_feeds
from pipeline.steps.opening import open_inputs
from pipeline.steps.workspace import Workspace

log = logging.getLogger(__name__)

#: Across the thumbnail of whatever is made from generated data, and of an exercise.
_BANNERS = {(True, True): "EXERCISE - SYNTHETIC DATA", (True, False): "EXERCISE", (False, True): "SYNTHETIC DATA"}


def compute(work: Workspace, hazard: str, subject: str, now: datetime) -> ProductRef:
    """Return a staged product; computed already is no work. A static map that changed is recorded anew first.

    Raises
    ------
    InputNotReady
        Where an input is not there yet, or the subject is an event revision that a newer one supersedes.
    FeedUnavailable
        Where a source of pixels does not answer now.
    """
    try:
        return _compute(work, hazard, subject, now)
    except FeedChanged as error:
        log.warning("compute %s %s: %s; recorded anew", hazard, subject, error)
        for binding in work.hazard(hazard)[0].inputs.values():
            if binding.at == "static":
                record_map(work, binding, now)
        return _compute(work, hazard, subject, now)


def _compute(work: Workspace, hazard: str, subject: str, now: datetime) -> ProductRef:
    about = subject_from_key(subject)
    plan = resolve(work, hazard, about, now)
    product = _product(work, hazard, about, plan)
    ref = ProductRef(hazard, product.item_id, subject, product.digest, staged_key(product.item_id))
    if work.catalog.is_public(product.item_id):
        return _public(ref, new=False)
    began = perf_counter()
    stage(work, product, open_inputs(work, hazard, plan, about), _notes(work, product, plan), _later(work, product, now))
    log.info("compute %s %s as %s, %.2f s", hazard, subject, product.item_id, perf_counter() - began)
    return ref


def parameters_of(config: HazardConfig, layer: Layer) -> dict[str, Any]:
    """Return every parameter of a layer call: the defaults and what the configuration says, as JSON knows them."""
    merged = {**layer.parameters, **config.parameters}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in merged.items()}


def _later(work: Workspace, product: Product, now: datetime) -> datetime:
    """Return `now`, or a second after the version that stands was made: two of one moment must keep their order."""
    standing = work.catalog.latest(product.hazard, products.lineage(product.subject))
    return now if standing is None else max(now, moment(standing["properties"]["created"]) + timedelta(seconds=1))


def stage(work: Workspace, product: Product, arrays: Mapping[str, Any], notes: Notes, now: datetime) -> None:
    """Compute a product's rasters, tables, picture and Item, and stage them.

    Raises
    ------
    FeedMalformed
        Where not a single cell of the estimate is known: the inputs hold nothing, which is not "no hazard".
    """
    layer = product.layer
    cluster.connect()
    with tempfile.TemporaryDirectory(prefix="hazmon-") as scratch:
        folder = Path(scratch)
        outcome = layer.run(**arrays, **product.parameters)
        cogs = cog.write_cogs(outcome.grid, layer.outputs, folder) if layer.outputs else {}
        if layer.answers.estimate in cogs and not cogs[layer.answers.estimate].valid_percent:
            raise FeedMalformed(
                f"{product.item_id}: not one cell of {layer.answers.estimate} is known; its inputs hold no data"
            )
        tables = table.write_tables(outcome.tables, layer.tables, folder)
        inline = {name: file.rows for name, file in tables.items() if file.table.inline}
        notes = replace(notes, extra={**notes.extra, "hazmon:tables": inline}) if inline else notes
        sides = [item.write_inputs(product, now, folder)]
        sides += [item.write_thumbnail(_picture(product, cogs, tables, notes), folder)]
        sides += qml.write_styles(layer.outputs, cogs, folder)
        sides += [side for file in tables.values() for side in file.sides]
        entry = item.build_item(product, cogs, sides, now=now, notes=notes)
        paths = {name: file.path for name, file in cogs.items()} | {side.name: side.path for side in sides}
        work.catalog.stage(entry, paths)


def publish(work: Workspace, ref: ProductRef, now: datetime) -> ProductRef:
    """Return the product made public: assets were first, the Item is last; public already is no work."""
    _, layer = work.hazard(ref.hazard)
    was_public = work.catalog.is_public(ref.item_id)
    work.catalog.publish(ref.item_id, _collection(work, ref.hazard, layer), now=now)
    return _public(ref, new=not was_public)


def run(work: Workspace, hazard: str, subject: str, now: datetime, *, asked: bool = False) -> ProductRef:
    """Compute and publish; for an event that was withdrawn, withdraw its products instead.

    Parameters
    ----------
    asked
        A person asks for it: the limits of magnitude and region do not count.

    Raises
    ------
    InputNotReady
        As `compute` does; unless the subject itself is superseded it is noted as waiting.
    NotConcerned
        Where a hazard that follows another one is not for this event.
    """
    about = subject_from_key(subject)
    config, _ = work.hazard(hazard)
    if isinstance(about, Event):
        record = events.read(work.store, about.id)
        if record.withdrawn:
            waiting.end(work, hazard, about)
            return _withdraw(work, hazard, record, now)
        follows = config.trigger[0] in work.config.hazards
        if follows and not asked and not concerns(work, config, record):
            raise NotConcerned(f"{hazard}: {subject} is smaller than M {config.minimum_magnitude} or far from its regions")
    try:
        staged = compute(work, hazard, subject, now)
    except InputNotReady as error:
        if not _is_superseded(work, about):
            waiting.note(work, hazard, about, str(error), now)
        raise
    except (FeedMalformed, FeedRefused, InputError):
        waiting.end(work, hazard, about)
        raise
    waiting.end(work, hazard, about)
    return publish(work, staged, now)


def _is_superseded(work: Workspace, about: Subject) -> bool:
    return isinstance(about, Event) and events.read(work.store, about.id).revision != about.revision


def run_all(work: Workspace, first: Trigger, now: datetime) -> Iterator[ProductRef]:
    """Yield the product of a subject, then those of hazards and later days that rest on it, each in turn.

    One that still waits for an input of its own is noted (`waiting`) and does not hold up the others.

    Raises
    ------
    InputNotReady
        Where the first one waits.
    """
    pending = [first]
    while pending:
        trigger = pending.pop(0)
        try:
            ref = run(work, trigger.hazard, trigger.subject, now)
        except InputNotReady as error:
            if trigger is first:
                raise
            log.warning("%s %s waits: %s", trigger.hazard, trigger.subject, error)
            continue
        yield ref
        pending += followers(work, ref)


def followers(work: Workspace, ref: ProductRef) -> list[Trigger]:
    """Return the subjects that this product makes due: what other hazards make of it, and the later days that rest on it."""
    about = subject_from_key(ref.subject)
    config, _ = work.hazard(ref.hazard)
    triggers = [Trigger(id, ref.subject) for id in _made_of(work, ref.hazard, about)]
    if isinstance(about, RegionPeriod) and any(binding.at == "previous" for binding in config.inputs.values()):
        triggers += _later_days(work, config, about, ref)
    return triggers


def _made_of(work: Workspace, hazard: str, about: Subject) -> list[str]:
    """Return the hazards made from a product of another one; of an event those that it is large and near enough for."""
    made = {id: config for id, config in work.config.hazards.items() if hazard in config.trigger}
    if isinstance(about, Event):
        record = events.read(work.store, about.id)
        return [id for id, config in made.items() if concerns(work, config, record)]
    return list(made)


def _later_days(work: Workspace, config: HazardConfig, about: RegionPeriod, ref: ProductRef) -> list[Trigger]:
    """Return the next day that can be made, unless it was made from this product already."""
    for gap in range(config.season.carry_days + 1):
        start = about.end + timedelta(days=gap)
        day = RegionPeriod(about.region, start, start + timedelta(days=1))
        if all(_is_wanted(cycles(work, feed, day), day, config) for feed in driving_feeds(config)):
            later = work.catalog.latest(ref.hazard, day.key)
            return [] if later is not None and _was_made_from(later, ref.item_id) else [Trigger(ref.hazard, day.key)]
    return []


def _is_wanted(refs: Sequence[ObservationRef], day: RegionPeriod, config: HazardConfig) -> bool:
    """Whether cycles cover a day that is no more than the forecast days after the newest of them."""
    ahead = timedelta(days=config.season.forecast_days)
    return any(ref.granule.start is not None and ref.granule.start + ahead >= day.start for ref in refs)


def outdated(work: Workspace, now: datetime) -> list[Trigger]:
    """Return the subjects whose current product would be another one now, oldest first.

    Where a parameter, a layer's version, a static map or any other input changed since; a subject that waits for an
    input is left out, the input's own arrival makes it due.
    """
    found = []
    for entry in work.catalog.find(current=True):
        hazard, subject = entry["collection"], entry["properties"]["hazmon:subject"]
        about = subject_from_key(subject)
        if hazard not in work.config.hazards or (isinstance(about, Scene) and about.feed not in work.config.feeds):
            continue
        try:
            made = _product(work, hazard, about, resolve(work, hazard, about, now, to_make=False))
        except InputNotReady:
            continue
        if made.item_id != entry["id"]:
            found.append((about.start, Trigger(hazard, subject)))
    return [trigger for _, trigger in sorted(found, key=lambda pair: (pair[0], pair[1].hazard, pair[1].subject))]


def _product(work: Workspace, hazard: str, about: Subject, plan: Plan) -> Product:
    config, layer = work.hazard(hazard)
    return Product(hazard, layer, about, plan.geobox, plan.inputs, parameters_of(config, layer), plan.revision)


def _was_made_from(later: Mapping[str, Any], item_id: str) -> bool:
    return any(link["rel"] == "derived_from" and link["href"].endswith(f"/{item_id}.json") for link in later["links"])


def _withdraw(work: Workspace, hazard: str, record: events.EventRecord, now: datetime) -> ProductRef:
    subject = events.event(record)
    reason = f"{record.preferred.agency} withdrew event {record.preferred.event_id}"
    withdrawn = work.catalog.withdraw(subject.series, now=now, reason=reason, revision=record.revision)
    log.info("withdraw %s: %d Items no longer stand", subject.series, len(withdrawn))
    own = [item_id for item_id in withdrawn if hazard_of(item_id) == hazard]
    last = own[-1] if own else ""
    return ProductRef(hazard, last, subject.key, "", item_key(last) if last else "", state="withdrawn", new=bool(own))


def _public(ref: ProductRef, *, new: bool) -> ProductRef:
    return ProductRef(ref.hazard, ref.item_id, ref.subject, ref.digest, item_key(ref.item_id), "published", new)


def _notes(work: Workspace, product: Product, plan: Plan) -> Notes:
    extra: dict[str, Any] = {"hazmon:forecast": plan.forecast}
    if plan.spin_up_day is not None:
        season = work.hazard(product.hazard)[0].season
        extra |= {"hazmon:spin_up_day": plan.spin_up_day, "hazmon:spin_up": plan.spin_up_day <= season.spin_up_days}
        extra["hazmon:cold_start"] = any(given.source == COLD_START for given in plan.inputs)
        extra["hazmon:carried_days"] = plan.carried_days
    if isinstance(product.subject, Event):
        extra |= _event_facts(events.read(work.store, product.subject.id))
    return Notes(
        title=_title(work, product),
        credit=credit.of_product(work, plan),
        exercise=work.drill is not None,
        countries=_countries(work, product),
        extra=extra,
    )


def _countries(work: Workspace, product: Product) -> list[str]:
    """Return the countries of the regions concerned; of an event, those around its epicentre."""
    match product.subject:
        case RegionPeriod(region=region):
            regions = [region]
        case Event(id=id):
            basis = events.read(work.store, id).basis
            point = (basis.longitude, basis.latitude, basis.longitude, basis.latitude)
            regions = work.config.regions_in(point, work.hazard(product.hazard)[0].regions)
        case Scene():
            west, south, east, north = product.geobox.extent.to_crs("EPSG:4326").boundingbox.bbox
            regions = work.config.regions_in((west, south, east, north), work.hazard(product.hazard)[0].regions)
    return sorted({country for region in regions for country in work.config.regions[region].countries})


def _event_facts(record: events.EventRecord) -> dict[str, Any]:
    basis = record.basis
    return {
        "hazmon:magnitude": basis.magnitude,
        "hazmon:magnitude_type": basis.magnitude_type,
        "hazmon:depth_km": basis.depth,
        "hazmon:longitude": basis.longitude,
        "hazmon:latitude": basis.latitude,
        "hazmon:agency": basis.agency,
        # The ids of the agency in charge first, then what every other agency calls it.
        "hazmon:aliases": list(dict.fromkeys([*basis.aliases, *record.aliases])),
        "hazmon:review_status": basis.status,
    }


def _title(work: Workspace, product: Product) -> str:
    match product.subject:
        case Event(id=id, revision=revision):
            basis = events.read(work.store, id).basis
            size = "M ?" if basis.magnitude is None else f"M {basis.magnitude:.1f}"
            return f"{size} earthquake, {basis.place or id}, revision {revision}"
        case Scene(start=start):
            return f"{_short(product.layer)}, scene of {start:%Y-%m-%d %H:%M} UTC"
        case RegionPeriod(region=region, start=start):
            return f"{_short(product.layer)}: {work.config.regions[region].title}, {start:%Y-%m-%d}"


def _short(layer: Layer) -> str:
    """Return a layer's title without what stands in brackets."""
    return layer.title.split(" (")[0]


def _picture(product: Product, cogs: Mapping[str, cog.CogFile], tables: Mapping[str, table.TableFile], notes: Notes) -> bytes:
    estimate = product.layer.answers.estimate
    spin_up = "SPIN-UP" if notes.extra.get("hazmon:spin_up") else None
    carried = notes.extra.get("hazmon:carried_days")
    gap = f"{carried} DAYS WITHOUT DATA BEFORE" if carried else None
    banner = _BANNERS.get((notes.exercise, product.synthetic))
    caption = sheet.Caption(
        title=notes.title,
        when=_when(product.subject),
        attribution=notes.credit.attribution,
        banner=" - ".join(text for text in (banner, spin_up, gap) if text) or None,
    )
    if estimate in tables:
        return card.render(tables[estimate], caption)
    marker = (notes.extra["hazmon:longitude"], notes.extra["hazmon:latitude"]) if isinstance(product.subject, Event) else None
    return thumbnail.render(cogs[estimate].path, product.layer.outputs[estimate], caption, marker=marker)


def _when(subject: Subject) -> str:
    if isinstance(subject, RegionPeriod):
        return f"{subject.start:%Y-%m-%d}"
    return f"{subject.start.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _collection(work: Workspace, hazard: str, layer: Layer) -> CollectionInfo:
    config, _ = work.hazard(hazard)
    return CollectionInfo(
        title=layer.title,
        description=f"{layer.title}, after {layer.source}. One Item per {config.grid}: estimate, uncertainty, exclusion, age.",
        credit=credit.of_hazard(work, hazard),
        layer=layer,
        keywords=[hazard, config.grid],
    )
