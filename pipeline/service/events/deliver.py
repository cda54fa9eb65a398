"""Webhooks on their way: every entry a subscription wants, in order, signed, again and again until it is taken.

A position advances only after the receiver answered 2xx, and by compare-and-swap, so that an entry may come twice (after
a crash, or an answer that was lost) but none is left out. Signed by the Standard Webhooks scheme.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import httpx
from standardwebhooks.webhooks import Webhook
from starlette.concurrency import run_in_threadpool

from pipeline import news
from pipeline.errors import Conflict, FeedRefused, FeedUnavailable, HazmonError, KeyMissing, StoreError
from pipeline.feeds.http import addresses, retry_after
from pipeline.news import Entry, EntryBroken
from pipeline.service.door import Door
from pipeline.service.events.lease import Lease
from pipeline.service.events.sent import Teller, to_text
from pipeline.service.events.subscriptions import Progress, Subscription, Subscriptions
from pipeline.service.events.watcher import PAGE, Watcher

_log = logging.getLogger(__name__)

#: How often subscriptions are looked at where there is no news, seconds.
LOOK_S = 2.0
#: Longest time for one attempt, seconds: connection, request and the head of the answer; its body is not read.
ATTEMPT_S = 15.0
#: Longest time to connect to one address of a receiver, seconds; then the next one is tried.
CONNECT_S = 4.0
LEASE = "webhooks/lease.json"
#: Largest body of an answer that is read (and thrown away) so that the connection can be used again, bytes.
_DRAINED = 65_536


class Courier:
    """Delivers for all subscriptions of a home, each by a task of its own, while this process holds the lease."""

    def __init__(self, door: Door, watcher: Watcher) -> None:
        self.door = door
        self.watcher = watcher
        self.store = door.work.store
        self.subscriptions = Subscriptions(self.store)
        self.lease = Lease(self.store, LEASE)
        self.teller = Teller(self.store)
        # Reading the certificates takes longer than all else that a client is made of.
        self._tls = httpx.create_ssl_context()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def work(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                head = self.watcher.head
                try:
                    await self._look()
                except HazmonError as error:
                    _log.warning("webhooks cannot be looked at, trying again: %s", error)
                await self.watcher.wait(head, LOOK_S)
                if self.watcher.stopped:
                    return
        finally:
            await self._end()

    async def _look(self) -> None:
        """Begin to deliver where there is something to deliver, an attempt is due and none is under way."""
        found = await run_in_threadpool(self.subscriptions.all)
        if not found or not await run_in_threadpool(self.lease.hold):
            return
        for subscription in found:
            running = self._tasks.get(subscription.id)
            if running is None or running.done():
                _report(running)
                self._tasks[subscription.id] = asyncio.create_task(self._deliver(subscription))

    async def _deliver(self, subscription: Subscription) -> None:
        """Deliver what there is to one receiver until it has all or does not take one."""
        try:
            data, progress = await run_in_threadpool(self.subscriptions.progress, subscription.id)
            if progress.due(datetime.now(UTC)):
                data, progress = await run_in_threadpool(self.subscriptions.set_back, subscription.id, data, progress)
            while progress.due(datetime.now(UTC)):
                entries = await run_in_threadpool(self._page, progress.position)
                if not entries:
                    return
                async with self._client() as client:
                    for entry in entries:
                        after = await self._step(client, subscription, progress, entry)
                        if after.delivered != progress.delivered or after.failures or entry is entries[-1]:
                            data = await run_in_threadpool(self.subscriptions.advance, subscription.id, data, after)
                        progress = after
                        if not self.lease.held or progress.failures:
                            return
        except Conflict as error:
            _log.info("%s", error)
        except KeyMissing:
            _log.info("webhook %s was removed", subscription.id)
        except HazmonError as error:
            _log.warning("webhook %s: %s", subscription.id, error)

    def _page(self, position: int) -> list[Entry]:
        try:
            return list(news.after(self.store, position, limit=PAGE, head=self.watcher.head))
        except EntryBroken as error:
            self.watcher.note(error)
            raise

    async def _step(self, client: httpx.AsyncClient, subscription: Subscription, progress: Progress, entry: Entry) -> Progress:
        """Return how far a subscription has come after one entry was offered to it, or passed over."""
        now = datetime.now(UTC)
        if entry not in subscription.choice:
            return progress.passed(entry)
        try:
            response = await self._post(client, subscription, entry)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, FeedRefused, FeedUnavailable) as error:
            said = f"entry {entry.number}: {type(error).__name__}: {error}"
            _log.info("webhook %s: %s", subscription.id, said)
            return progress.failed(said, now)
        if response.is_success:
            return progress.taken(entry, now)
        said = f"entry {entry.number}: HTTP {response.status_code}"
        _log.info("webhook %s: %s", subscription.id, said)
        if response.status_code == httpx.codes.GONE:
            return progress.gone(said, now)
        return progress.failed(said, now, retry_after(response.headers))

    async def _post(self, client: httpx.AsyncClient, subscription: Subscription, entry: Entry) -> httpx.Response:
        """Return the head of a receiver's answer; no redirect is followed, and no body read."""
        found = await run_in_threadpool(addresses, subscription.url, self.door.settings.webhook_hosts)
        body, headers = await run_in_threadpool(self._signed, subscription, entry)
        # An address that swallows packets leaves time for all others, and for the answer of the last.
        patience = httpx.Timeout(ATTEMPT_S, connect=min(CONNECT_S, ATTEMPT_S / (len(found) + 1)))
        requests = [_request(client, subscription.url, address, body, headers, patience) for address in found]
        async with asyncio.timeout(ATTEMPT_S):
            for request in requests[:-1]:
                with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                    return await _sent(client, request)
            return await _sent(client, requests[-1])

    def _signed(self, subscription: Subscription, entry: Entry) -> tuple[bytes, Mapping[str, str]]:
        """Return the body and headers of one attempt: the same id each time, the time and signature of the attempt.

        The id names the entry, not only its number, under which a log that was set back may tell of something else.
        """
        body = to_text(self.teller.tell(entry, self.door.settings.url or subscription.base))
        now, id = datetime.now(UTC), f"news_{entry.number}_{news.checksum(entry.mark)}"
        signature = Webhook(self.subscriptions.secret(subscription)).sign(id, now, body)
        return body.encode(), {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }

    def _client(self) -> httpx.AsyncClient:
        """Return a client for one receiver: connections are told apart by address, and two names may have the same.

        What the environment says of proxies does not count: they would look names up anew.
        """
        agent = {"User-Agent": "hazmon"}
        return httpx.AsyncClient(headers=agent, follow_redirects=False, timeout=ATTEMPT_S, trust_env=False, verify=self._tls)

    async def _end(self) -> None:
        """End the deliveries under way, and let another process go on at once."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await run_in_threadpool(self.lease.release)
        except StoreError as error:
            _log.warning("the lease of webhooks is left to run out: %s", error)


def _request(
    client: httpx.AsyncClient, url: str, address: str, body: bytes, headers: Mapping[str, str], patience: httpx.Timeout
) -> httpx.Request:
    """Return a request that goes to an address and asks there for the host of its URL, by certificate too."""
    asked = httpx.URL(url)
    return client.build_request(
        "POST",
        asked.copy_with(host=address),
        content=body,
        headers={"Host": asked.netloc.decode("ascii"), **headers},
        timeout=patience,
        extensions={"sni_hostname": asked.raw_host.decode("ascii")},
    )


async def _sent(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    response = await client.send(request, stream=True)
    try:
        await _drain(response)
    finally:
        await response.aclose()
    return response


async def _drain(response: httpx.Response) -> None:
    """Read a short body away, so that the connection can be used again; what becomes of it matters to nobody."""
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= _DRAINED:
        with suppress(httpx.HTTPError):
            async for _ in response.aiter_raw():
                pass


def _report(task: asyncio.Task[None] | None) -> None:
    """Log what a delivery failed of that nobody foresaw; it is begun again."""
    if task is not None and not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a delivery of webhooks failed", exc_info=error)
