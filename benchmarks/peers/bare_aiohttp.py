"""The least that a client can be: an aiohttp loop on uvloop that keeps so many calls in flight.

Usage: python bare_aiohttp.py WORK.json, prints one JSON object. Nothing is kept and nothing is
tried again, so what the others cost beyond it is what they do beyond it.
"""

import asyncio
import json
from collections.abc import Iterator

import aiohttp
import uvloop
from work import Work, given, report


async def call(session: aiohttp.ClientSession, work: Work, prompts: Iterator[str]) -> int:
    """Ask for one prompt after the other; returns how many were answered."""
    answered = 0
    for prompt in prompts:
        body = {"model": work.model, "messages": [{"role": "user", "content": prompt}]}
        async with session.post(f"{work.base_url}/chat/completions", json=body) as response:
            reply = json.loads(await response.read())
            answered += bool(response.status == 200 and reply["choices"][0]["message"]["content"])
    return answered


async def run(work: Work) -> int:
    """Run as many callers as calls may be in flight."""
    prompts = iter(work.prompts)
    timeout = aiohttp.ClientTimeout(total=300)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        callers = [call(session, work, prompts) for _ in range(work.in_flight)]
        return sum(await asyncio.gather(*callers))


if __name__ == "__main__":
    report(uvloop.run(run(given())))
