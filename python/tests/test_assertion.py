"""The real polter on real ghosts; then everything that must not pass for clean."""

import os
import select
import subprocess
import sys

import pytest

from pytest_polter import CannotTell, GhostsFound, assert_no_ghosts


def test_a_process_with_a_registration_in_use_is_clean():
    with select.epoll() as epoll:
        reader, writer = os.pipe()
        epoll.register(reader, select.EPOLLIN)
        assert_no_ghosts()
        epoll.unregister(reader)
        os.close(reader)
        os.close(writer)
        assert_no_ghosts(os.getpid())


def test_a_ghost_is_told_with_its_fix(ghost):
    with pytest.raises(GhostsFound) as told:
        assert_no_ghosts()
    said = str(told.value)
    assert f"process {os.getpid()} has 1 ghost\n" in said
    assert f"dup-ghost in {os.getpid()}" in said and f"fd {ghost}: " in said
    assert "EPOLL_CTL_DEL before the close" in said


def test_a_failed_assertion_is_one(ghost):
    with pytest.raises(AssertionError):
        assert_no_ghosts(os.getpid())


def test_another_process_is_looked_at_by_its_pid():
    program = (
        "import os, select, sys\n"
        "epoll = select.epoll(); reader, writer = os.pipe(); epoll.register(reader, select.EPOLLIN)\n"
        "if sys.argv[1] == 'ghost': copy = os.dup(reader); os.close(reader)\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    for kind in ("clean", "ghost"):
        arguments = [sys.executable, "-c", program, kind]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"ready\n"
            if kind == "clean":
                assert_no_ghosts(child.pid)
            else:
                with pytest.raises(GhostsFound, match=f"process {child.pid} has 1 ghost"):
                    assert_no_ghosts(child.pid)
            child.stdin.close()


def test_a_process_that_is_not_there_cannot_be_told():
    with pytest.raises(CannotTell, match="no process"):
        assert_no_ghosts(2**31 - 1)


def test_a_missing_polter_cannot_tell(monkeypatch):
    monkeypatch.setenv("POLTER", "/nowhere/polter")
    with pytest.raises(CannotTell, match=r"\$POLTER is /nowhere/polter"):
        assert_no_ghosts()
    monkeypatch.delenv("POLTER")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotTell, match="polter is not installed"):
        assert_no_ghosts()


@pytest.mark.parametrize(
    "body",
    [
        "exit 0",
        "echo '{}'",
        "echo '[]'",
        "echo clean; exit 0",
        """echo '{"version": 2, "findings": []}'""",
        """echo '{"version": 1, "findings": null}'""",
        """echo '{"version": 1, "findings": []}'; exit 2""",
        """echo '{"version": 1, "findings": []}'; exit 1""",
        """echo '{"version": 1, "findings": []}'; kill -9 $$""",
    ],
)
def test_no_other_answer_passes(in_place_of_polter, body):
    in_place_of_polter(body)
    with pytest.raises(CannotTell, match="cannot be told"):
        assert_no_ghosts()


def test_a_hostile_name_stays_in_its_place(in_place_of_polter):
    in_place_of_polter(
        r"""echo '{"version": 1, "findings": [{"class": "fork-ghost", "comm": "\u001b]0;x\u0007\u202e"}]}'; exit 1"""
    )
    with pytest.raises(GhostsFound) as told:
        assert_no_ghosts()
    assert not set("\x1b\x07\u202e") & set(str(told.value))
