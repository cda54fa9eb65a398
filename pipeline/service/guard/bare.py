"""Answers without their bodies: what HEAD asks for is found by the route of GET."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Routes with a HEAD of their own, which need not read what they will not send.
_OWN = "/files/"

#: Has no end that one could wait for.
_ENDLESS = "/events"


class Bare:
    """Answers HEAD as GET would be, but for the body; a path that has no GET answers 405 to both."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, HEAD as GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(_OWN) or scope["path"] == _ENDLESS:
            await self._app(scope, receive, send)
            return
        # A copy: the server goes by the method when it sends.
        asked = {**scope, "method": "GET"}

        async def bare(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif not message.get("more_body", False):
                await send({"type": "http.response.body", "body": b""})

        try:
            await self._app(asked, receive, bare)
        finally:
            # Requests are counted by their routes.
            scope.update({name: asked[name] for name in ("route", "root_path") if name in asked})
