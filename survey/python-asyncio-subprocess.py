"""Python: asyncio's subprocesses, several at a time, with pipes and signals."""
# version: python3 --version
import asyncio

from workload import *


async def one(n):
    child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    out, _ = await asyncio.wait_for(child.communicate(b"%d" % n), PATIENCE)
    check(out == b"%d" % n and child.returncode == 0, "a child's answer")


async def main():
    for turn in range(3):
        await asyncio.gather(*(one(n) for n in range(4)))
    sleeper = await asyncio.create_subprocess_exec("sleep", "100")
    sleeper.terminate()
    check(await asyncio.wait_for(sleeper.wait(), PATIENCE) == -15, "a child that is ended")


asyncio.run(main())
