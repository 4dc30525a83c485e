"""Clients of httpx-sse, all in one process: a JSON line on stdin for each, one on stdout for each event."""
import asyncio
import json
import random
import sys

import httpx
from httpx_sse import aconnect_sse

calm = asyncio.Event()


def tell(number, **what):
    sys.stdout.write(json.dumps({"client": number, **what}) + "\n")


async def follow(http, number, url, token, temper, dice):
    last_id, retry = "", 1.0
    while True:
        stream = asyncio.ensure_future(read(http, number, url, token, last_id))
        if temper == "restless" and not calm.is_set():
            waiting = asyncio.ensure_future(calm.wait())
            await asyncio.wait({stream, waiting}, timeout=dice.uniform(2, 25), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not stream.done() and not calm.is_set():
                stream.cancel()
        try:
            await stream
        except (httpx.HTTPError, asyncio.CancelledError) as error:
            tell(number, ended=type(error).__name__)
        last_id, retry = state[number]
        away = dice.uniform(0, 15) if temper == "restless" and not calm.is_set() and dice.random() < 0.3 else 0
        await asyncio.sleep(retry + away)


state = {}


async def read(http, number, url, token, last_id):
    state.setdefault(number, ("", 1.0))
    with open(token, encoding="ascii") as file:
        headers = {"Authorization": f"Bearer {file.read()}"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    async with aconnect_sse(http, "GET", url, headers=headers) as source:
        source.response.raise_for_status()
        tell(number, opened=True)
        async for sse in source.aiter_sse():
            last_id, retry = state[number]
            # It also shows blocks without data: what they tell counts, an event they are not.
            state[number] = (sse.id or last_id, retry if sse.retry is None else sse.retry / 1000)
            if sse.data:
                tell(number, event=sse.event, data=sse.data, id=sse.id)


async def main():
    dice = random.Random(int(sys.argv[1]))
    plans = [json.loads(line) for line in iter(sys.stdin.readline, "go\n")]
    timeout = httpx.Timeout(30, read=120)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=timeout, limits=limits) as http:
        clients = [
            asyncio.ensure_future(follow(http, number, plan["url"], plan["token"], plan["temper"], random.Random(dice.random())))
            for number, plan in enumerate(plans)
        ]
        loop = asyncio.get_running_loop()
        flusher = asyncio.ensure_future(flush())
        await loop.run_in_executor(None, sys.stdin.readline)
        calm.set()
        await asyncio.wait({flusher, *clients}, return_when=asyncio.FIRST_EXCEPTION)
        for client in clients:
            if client.done():
                client.result()


async def flush():
    while True:
        sys.stdout.flush()
        await asyncio.sleep(0.02)


asyncio.run(main())
