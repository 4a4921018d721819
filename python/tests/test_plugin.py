"""The fixtures, in a pytest of their own."""

GHOST = """
import os, select

def test_it({fixture}):
    global epoll, copy, writer
    epoll = select.epoll()
    reader, writer = os.pipe()
    copy = os.dup(reader)
    epoll.register(reader, select.EPOLLIN)
    os.close(reader)
    {call}
"""

CLEAN = """
def test_it(no_ghosts, assert_no_ghosts):
    assert_no_ghosts()
"""


def run(pytester, test, *options):
    pytester.makepyfile(test)
    # In a process of its own: the ghost must not be this one's.
    return pytester.runpytest_subprocess(*options)


def test_the_fixture_that_looks_when_a_test_has_ended(pytester):
    result = run(pytester, GHOST.format(fixture="no_ghosts", call="pass"))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*process * has 1 ghost*", "*dup-ghost*", "*fix: EPOLL_CTL_DEL*"])


def test_the_fixture_that_is_the_function(pytester):
    result = run(pytester, GHOST.format(fixture="assert_no_ghosts", call="assert_no_ghosts()"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*dup-ghost*"])


def test_a_clean_test_passes(pytester):
    run(pytester, CLEAN).assert_outcomes(passed=1)


def test_without_polter_a_test_fails_and_is_skipped_only_if_asked(pytester, monkeypatch):
    monkeypatch.setenv("POLTER", "/nowhere/polter")
    result = run(pytester, CLEAN)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*cannot be told: $POLTER is /nowhere/polter*"])
    result = run(pytester, CLEAN, "--polter-optional", "-rs")
    # Once in the test, once when it has ended.
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*cannot be told*"])


def test_a_ghost_fails_even_where_polter_is_optional(pytester):
    result = run(pytester, GHOST.format(fixture="no_ghosts", call="pass"), "--polter-optional")
    result.assert_outcomes(passed=1, errors=1)
