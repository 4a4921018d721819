"""Runs `polter scan` on a process and reads its answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

# The version of polter's JSON that is read here.
_VERSION = 1
_TIMEOUT_S = 120
_GHOST = "-ghost"


class GhostsFound(AssertionError):
    """A process has ghosts."""


class CannotTell(Exception):
    """polter is missing, or could not see enough. That is not a pass."""


def assert_no_ghosts(pid: int | None = None) -> None:
    """Raises GhostsFound if an instance that process `pid` holds has a ghost, CannotTell if that cannot be told.

    Without `pid`, it is about this process. Only a scan that saw everything and found nothing passes.
    """
    pid = os.getpid() if pid is None else pid
    polter = _polter(pid)
    # The report goes through pipes, which the scanned process has open meanwhile. They are in none of its instances.
    command = [polter, "scan", "--format", "json", "--fail-on", "ghost", str(int(pid))]
    try:
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _cannot_tell(pid, f"{polter}: {error}") from error
    ghosts = [it for it in _findings(pid, ran) if str(it.get("class")).endswith(_GHOST)]
    if ghosts:
        raise GhostsFound(_told(pid, ghosts))
    if ran.returncode != 0:
        raise _cannot_tell(pid, _said(ran))


def _polter(pid: int) -> str:
    named = os.environ.get("POLTER")
    found = shutil.which(named or "polter")
    if found:
        return found
    if named:
        raise _cannot_tell(pid, f"$POLTER is {_plain(named)}, and that cannot be run")
    raise _cannot_tell(pid, "polter is not installed: put it on the PATH, or name it in $POLTER")


def _findings(pid: int, ran: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    try:
        report = json.loads(ran.stdout)
        version, findings = report["version"], report["findings"]
    except (ValueError, KeyError, TypeError) as error:
        raise _cannot_tell(pid, _said(ran)) from error
    if version != _VERSION or not isinstance(findings, list):
        raise _cannot_tell(pid, f"this polter writes version {version!r} of its JSON, and {_VERSION} is read here")
    return findings


def _said(ran: subprocess.CompletedProcess[bytes]) -> str:
    said = ran.stderr.decode(errors="replace").strip() or "not everything that was asked about could be told"
    return f"polter ended with {ran.returncode}: {_plain(said)}"


def _told(pid: int, ghosts: list[dict[str, Any]]) -> str:
    lines = [f"process {pid} has {len(ghosts)} ghost{'s' * (len(ghosts) != 1)}"]
    for ghost in ghosts:
        kind, of, fd = ghost.get("class"), ghost.get("pid"), ghost.get("fd")
        comm, summary, fix = (_plain(str(ghost.get(key))) for key in ("comm", "summary", "fix"))
        lines += [f"  {kind} in {of} ({comm}), fd {fd}: {summary}", f"    fix: {fix}"]
    return "\n".join(lines)


def _cannot_tell(pid: int, why: str) -> CannotTell:
    return CannotTell(f"whether process {pid} has ghosts cannot be told: {why}")


def _plain(text: str) -> str:
    """A text that does no harm on a terminal: a process may have any name."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
