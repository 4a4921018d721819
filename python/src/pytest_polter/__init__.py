"""Fails a test whose process leaves an epoll registration behind: asks polter."""

from ._assertion import CannotTell, GhostsFound, assert_no_ghosts

__all__ = ["CannotTell", "GhostsFound", "assert_no_ghosts"]
