"""uvloop: a server and its clients in one loop, and subprocesses."""
# version: python:uvloop
from workload import *

if len(sys.argv) == 1:
    python = python_with("uvloop")
    run(python, __file__, "there")
    sys.exit()
import asyncio

import uvloop


async def echo(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for turn in range(4):
        child = await asyncio.create_subprocess_exec("echo", "child", stdout=-1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        check(await asyncio.wait_for(reader.readline(), 10) == b"hello\n", "the server's answer")
        writer.close()
        out, _ = await asyncio.wait_for(child.communicate(), 20)
        check(out == b"child\n", "the child's answer")


uvloop.install()
asyncio.run(main())
