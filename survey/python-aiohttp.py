"""aiohttp: a server and a client in one loop, with files read by threads."""
# version: python:aiohttp
from workload import *

if len(sys.argv) == 1:
    run(python_with("aiohttp"), __file__, "there")
    sys.exit()
import asyncio

from aiohttp import ClientSession, web


async def answer(request):
    return web.Response(text="well")


async def main():
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with ClientSession() as session:
        for n in range(10):
            async with session.get(f"http://127.0.0.1:{port}/") as came:
                check(await came.text() == "well", "an answer")
    await runner.cleanup()


asyncio.run(main())
