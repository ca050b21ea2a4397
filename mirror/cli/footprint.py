"""Keeps the memory of a long sync flat; for the process of the command only, never for a program that uses the API."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

_M_ARENA_MAX = -8  # malloc.h of glibc
_ALLOCATIONS = 20_000  # between two looks of the garbage collector; the default 700 costs 4 % of a load


def keep_memory_flat() -> None:
    """Tell the allocator to use one arena for all threads, and the garbage collector to look less often.

    Pages pass from the threads that fetch to the one that stores. With an arena for each thread their buffers stay behind:
    210 MB at a million records instead of 120. Where the C library is not glibc nothing is changed about it.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 20)
