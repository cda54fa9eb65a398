"""The service with routes that last: `/slow?seconds=`, `/ticks` (events without end), `/large` (bytes without end)."""

import asyncio
import signal
import sys
import time

import uvicorn
from starlette.responses import StreamingResponse

from pipeline.service import serve
from pipeline.service.app import application

door = serve.door()
app = application(door)


@app.get("/slow")
def slow(seconds: float) -> dict[str, float]:
    time.sleep(seconds)
    return {"slept": seconds}


@app.get("/ticks")
async def ticks() -> StreamingResponse:
    async def each():
        while True:
            yield b": tick\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(each(), media_type="text/event-stream")


@app.get("/large")
def large() -> StreamingResponse:
    def each():
        while True:
            yield b"x" * 65536

    return StreamingResponse(each(), media_type="application/octet-stream")


settings = serve.settings(door, "127.0.0.1", int(sys.argv[1]))
settings.app, settings.factory = app, False
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: None)
uvicorn.Server(settings).run()
