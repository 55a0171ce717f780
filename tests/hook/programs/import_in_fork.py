"""Forks while another thread is in the middle of importing ctypes. With an argument the child imports it, as a hook
that waits for the fork would; the alarm ends a child that waits for ever."""

import os
import signal
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
begun = threading.Event()


class Slow:
    """Takes its time over ctypes, which stays locked meanwhile."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "ctypes":
            begun.set()
            time.sleep(1)
        return None


sys.meta_path.insert(0, Slow)
threading.Thread(target=__import__, args=("ctypes",), daemon=True).start()
begun.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(4)
    if sys.argv[1:]:
        import ctypes  # noqa: F401
    # The new thread bears the program's name until it has named itself.
    time.sleep(0.2)
    print(sorted(open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")), flush=True)
    os._exit(0)
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
