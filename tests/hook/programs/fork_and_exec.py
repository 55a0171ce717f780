"""Starts other programs in forked children, a hundred times each way, and prints what they wrote to stderr."""

import os
import subprocess
import threading
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
PROGRAM = ["/bin/true"]


def with_preexec_fn():
    return subprocess.run(PROGRAM, preexec_fn=os.getpid, stderr=subprocess.PIPE, env={}).stderr


def with_exec():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 2)
        os.execve(PROGRAM[0], PROGRAM, {})
    os.close(write)
    with os.fdopen(read, "rb") as said:
        text = said.read()
    os.waitpid(pid, 0)
    return text


if __name__ == "__main__":
    # Several arenas, or jemalloc would want one thread only.
    threads = [threading.Thread(target=lambda: [bytearray(100_000) for _ in range(50)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for way in (with_preexec_fn, with_exec):
        print({way() for _ in range(100)})
