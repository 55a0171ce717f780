"""Restarts jemalloc's background thread in forked children.

`background_thread:true` in MALLOC_CONF makes jemalloc give memory back while a process rests. fork() ends that
thread in the child, and jemalloc itself never starts it again: workers of gunicorn, celery or multiprocessing
keep what they had at their peak. This module asks for it again after each fork, and does nothing else.

How it gets in: `jemalloc_after_fork.pth` beside it, in a folder that `site` reads, calls `install` at start-up;
from Python 3.15 on that is `jemalloc_after_fork.start` (PEP 829: import lines in .pth files are ignored from 3.18).
What is installed is this code without its comments (`text` in ../prefork-hook.toml; a test compares the two).

It stays out of the way
- where the user did not ask: `opt.background_thread` is what jemalloc understood of MALLOC_CONF, /etc/malloc.conf
  and its own build. Only where that is true is the thread started;
- where jemalloc is not in force, or another allocator is: there is no `mallctl` in the process;
- where there is no fork (Windows) or no ctypes;
- with `python -S` and in interpreters of other site-packages: `site` does not read its files there.
It raises nothing and prints nothing.

Why it is done this way
- At start-up only two functions are registered. ctypes takes 1 to 5 ms to import, and most processes never fork.
- ctypes is imported in the parent, before the first fork, and not in the child. A child has only the thread that
  forked: if another thread was importing ctypes at that moment, its module lock stays locked in the child for
  ever, and an import there waits for ever (tests/hook shows it). In the parent it waits, and goes on. The child
  also shares the imported pages with its parent instead of having its own.
- The import makes no ffi closure, so parent and children share no writable libffi memory (the trap of
  joblib/threadpoolctl#225); `ctypes.util`, which makes one in 3.14, is not used.
- jemalloc's own handlers are older: it registers them with pthread_atfork when it starts, and they have run before
  fork() returns. Python runs `after_in_child` after that, with its locks made new. So mallctl finds its locks free,
  and starting a thread there is what Python's own `threading` does in forked children.
- jemalloc blocks all signals in its thread: the signals of a worker still reach Python's main thread.
- If the thread cannot be started (pids limit), jemalloc counts it as running all the same, and then nobody gives
  memory back. So the option is switched off again, which leaves the child as it was without this module.
- One thread for each child, whatever `max_background_threads` says: it serves all arenas. More than one, and the
  first starts the others a moment later; where the child runs another program meanwhile (`preexec_fn`, fork and
  exec) the kernel refuses that, and jemalloc prints "background thread creation failed" to the new program's stderr.
- uWSGI forks in C. With `py-call-osafterfork = true` it runs `after_in_child` but never `before`: the child has to
  look for itself. Without that option uWSGI tells Python nothing, and the thread stays away.
- vfork and posix_spawn (most of `subprocess`) run no hook and need none: a new program follows, which reads
  MALLOC_CONF itself. `preexec_fn` makes subprocess call the hook; the thread then ends with exec.
- An interpreter of its own (subinterpreter) registers its own functions, and they run for its own forks only.
- A child that forks again does so with a second thread: Python 3.12 and later show a DeprecationWarning then where
  such warnings are shown, as they do for the parent of the first fork.
"""

import os

_installed = False
# None: not known yet. False: not wanted, or not possible. Else a function that switches the thread on or off.
_switch = None


def install():
    global _installed
    if hasattr(os, 'register_at_fork') and not _installed:
        # `site` reads the .pth files of a venv twice.
        _installed = True
        os.register_at_fork(before=_prepare, after_in_child=_restart)


def _prepare():
    global _switch
    if _switch is None:
        try:
            # Two threads that fork at once both do this, to the same end.
            _switch = _find()
        except Exception:
            _switch = False


def _find():
    from ctypes import CDLL, byref, c_bool, c_char_p, c_size_t, c_void_p, sizeof
    mallctl = CDLL(None).mallctl
    mallctl.argtypes = c_char_p, c_void_p, c_void_p, c_void_p, c_size_t
    asked = c_bool(False)
    failed = mallctl(b'opt.background_thread', byref(asked), byref(c_size_t(1)), None, 0)
    if failed or not asked.value:
        return False

    def switch(on):
        # In 5.0 there is no such name: it has a thread for each CPU.
        mallctl(b'max_background_threads', None, None, byref(c_size_t(1)), sizeof(c_size_t))
        return mallctl(b'background_thread', None, None, byref(c_bool(on)), 1)
    return switch


def _restart():
    _prepare()
    if _switch and _switch(True):
        _switch(False)
