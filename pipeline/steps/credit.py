"""Whose data a product is made from: attribution, licence and providers travel from feeds through every product."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.config import FeedConfig
from pipeline.products.item import Credit
from pipeline.steps.inputs import Plan
from pipeline.steps.workspace import Workspace


def of_product(work: Workspace, plan: Plan) -> Credit:
    """Return the licence, credit and providers of the feeds and other products that a product is made from."""
    feeds = [given.source for given in plan.inputs if not given.is_product]
    own = [_of_feeds(work, feeds)] if _feeds(work, feeds) else []
    items = [work.catalog.get(id)["properties"] for id in sorted({given.id for given in plan.inputs if given.is_product})]
    parts = own + [Credit(found["license"], found["hazmon:attribution"], found["providers"]) for found in items]
    licences = {part.licence for part in parts}
    return Credit(
        licence=licences.pop() if len(licences) == 1 else "other",
        attribution="; ".join(dict.fromkeys(text for part in parts for text in part.attribution.split("; ") if text)),
        providers=list({str(provider["name"]): provider for part in parts for provider in part.providers}.values()),
    )


def _of_feeds(work: Workspace, sources: Iterable[str]) -> Credit:
    """Return the licence, credit and providers of feeds."""
    feeds = _feeds(work, sources)
    providers = {provider.name: provider.model_dump(exclude_none=True) for feed in feeds for provider in feed.providers}
    licences = {feed.licence for feed in feeds}
    return Credit(
        licence=licences.pop() if len(licences) == 1 else "other",
        attribution="; ".join(dict.fromkeys(feed.attribution for feed in feeds)),
        providers=list(providers.values()),
    )


def _feeds(work: Workspace, sources: Iterable[str]) -> list[FeedConfig]:
    return [work.config.feeds[source] for source in sorted(set(sources)) if source in work.config.feeds]


def of_hazard(work: Workspace, hazard: str) -> Credit:
    """Return the credit of everything a hazard's products may be made from."""
    return _of_feeds(work, _sources(work, hazard))


def _sources(work: Workspace, hazard: str) -> set[str]:
    """Return the feeds a hazard's products may come from, through whatever other hazards."""
    config, _ = work.hazard(hazard)
    origins = {origin for binding in config.inputs.values() for origin in (binding.origin, *binding.also)}
    behind = [_sources(work, origin) for origin in {*origins, *config.trigger} & set(work.config.hazards) - {hazard}]
    return {*origins, *config.trigger, *(feed for found in behind for feed in found)} & set(work.config.feeds)
