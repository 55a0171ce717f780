"""Forks while another thread is in the middle of importing ctypes, and imports it in the child, as a hook that waits for
the fork would; the alarm ends a child that waits for ever."""

import os
import signal
import sys
import threading
import warnings
from importlib.machinery import PathFinder, SourceFileLoader

warnings.simplefilter("ignore", DeprecationWarning)
begun, forked = threading.Event(), threading.Event()


class Slow(SourceFileLoader):
    """Holds the module's own lock until the fork has been made; not for ever, as a fork may wait for the module."""

    def exec_module(self, module):
        begun.set()
        forked.wait(3)
        super().exec_module(module)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "ctypes":
            return None
        spec = PathFinder.find_spec(name, path, target)
        spec.loader = Slow(spec.loader.name, spec.loader.path)
        return spec


sys.meta_path.insert(0, Finder)
threading.Thread(target=__import__, args=("ctypes",), daemon=True).start()
begun.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(4)
    import ctypes  # noqa: F401

    os._exit(0)
forked.set()
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
