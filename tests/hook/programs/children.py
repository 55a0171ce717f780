"""Makes children in every way Python knows, and prints what threads each of them has, as JSON."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
import warnings

# Python 3.12 and later warn of a fork beside other threads: there must be none.
warnings.simplefilter("error", DeprecationWarning)


def names(_=None):
    """The threads of this process. A new one bears the program's name until it has named itself."""
    folder = f"/proc/{os.getpid()}/task"
    for _ in range(500):
        found = [open(f"{folder}/{task}/comm").read().strip() for task in os.listdir(folder)]
        if len(found) == 1 or "jemalloc_bg_thd" in found:
            break
        time.sleep(0.01)
    return found


def forked(function):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, json.dumps(function()).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        told = json.load(answer)
    os.waitpid(pid, 0)
    return told


def pooled(method):
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.map(names, [0])[0]


def main():
    told = {"imported": [name for name in ("ctypes", "jemalloc_thread") if name in sys.modules]}
    told["parent"] = names()
    told["fork"] = forked(names)
    told["fork in a fork"] = forked(lambda: forked(names))
    for method in ("fork", "forkserver", "spawn"):
        told[f"multiprocessing {method}"] = pooled(method)
    told["preexec_fn"] = subprocess.run([sys.executable, "-c", "print(1)"], preexec_fn=os.getpid, stdout=subprocess.PIPE).returncode
    print(json.dumps(told))


if __name__ == "__main__":
    main()
