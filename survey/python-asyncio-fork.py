"""Python: a process forked with a loop running, as multiprocessing does by default, that exits and closes nothing."""
# version: python3 --version
import asyncio
import multiprocessing

from workload import *


def work(pipe):
    pipe.send(os.getpid())


async def main():
    here, there = socket.socketpair()
    here.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=here)
    fork = multiprocessing.get_context("fork")
    for turn in range(3):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=work, args=(theirs,))
        child.start()
        check(ours.recv() == child.pid, "the child's word")
        child.join(PATIENCE)
        check(child.exitcode == 0, "the child's end")
        there.send(b"news")
        try:
            news = await asyncio.wait_for(reader.read(4), 5)
        except asyncio.TimeoutError:
            news = b""
        check(news == b"news", "the loop hears of what comes after the child has gone")


asyncio.run(main())
