"""Forks as a user who may have no further thread: prints whether jemalloc believes its thread to run."""

import ctypes
import os
import resource
import sys

if __name__ == "__main__":
    # No other process may belong to the user, or its threads would be counted.
    os.setgid(64242)
    os.setuid(64242)
    # As much as there is now: the thread rests while Python forks, and the child takes its place.
    room = len(os.listdir("/proc/self/task"))
    resource.setrlimit(resource.RLIMIT_NPROC, (room, room))
    pid = os.fork()
    if pid == 0:
        on, size = ctypes.c_bool(), ctypes.c_size_t(1)
        ctypes.CDLL(None).mallctl(b"background_thread", ctypes.byref(on), ctypes.byref(size), None, ctypes.c_size_t(0))
        print(on.value, len(os.listdir("/proc/self/task")), flush=True)
        os._exit(0)
    sys.exit(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
