"""What the tests share: a ghost that can be freed, programs in polter's place, and pytest under test."""

import os
import select
import stat

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def ghost():
    """A registration of this process that outlives its fd."""
    epoll = select.epoll()
    reader, writer = os.pipe()
    copy = os.dup(reader)
    epoll.register(reader, select.EPOLLIN)
    os.close(reader)
    yield reader
    for fd in (copy, writer):
        os.close(fd)
    epoll.close()


@pytest.fixture
def in_place_of_polter(tmp_path, monkeypatch):
    """Puts a shell script in polter's place."""

    def put(body):
        path = tmp_path / "polter"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("POLTER", str(path))

    return put
