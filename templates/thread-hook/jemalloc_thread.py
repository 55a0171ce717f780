"""Turns jemalloc's background thread on in Python processes, and in no other program of the image.

The thread gives memory back while a process rests. `background_thread:true` in MALLOC_CONF starts it in every program
that the image ever starts, and some die of a second thread: headless Chromium, `setpriv --reuid`, `unshare`. And fork()
ends it in the child: workers of gunicorn, celery or multiprocessing keep what they had at their peak. This module asks
jemalloc for the thread at the start of a Python process and after each of its forks, and does nothing else.

How it gets in: `jemalloc_thread.pth` beside it, in a folder that `site` reads, calls `install` at start-up; from Python
3.15 on that is `jemalloc_thread.start` (PEP 829: import lines in .pth files are ignored from 3.18). What is installed
is `text` of ../thread-hook.toml: this code with fewer comments (a test compares the two).

It stays out of the way
- where nobody asks: JEMALLOC_THREAD_IN_PYTHON is 1 (anything but empty and 0) in the environment of the process;
- where jemalloc is not in force, or another allocator is: there is no `mallctl` in the process;
- where there is no ctypes, and with `python -S` and in interpreters of other site-packages.
It raises nothing and prints nothing.

Why it is done this way
- A variable of its own, since every program reads MALLOC_CONF. It is inherited like LD_PRELOAD: what Python starts
  has neither the thread nor a reason to look for it, unless it is such a Python again.
- The thread is switched off before a fork and on again after it, in parent and child. fork() copies one thread only;
  Python 3.12 and later warn of a fork with others about (DeprecationWarning, an error under `-W error`). It takes some
  0.1 ms; most of subprocess forks by vfork or posix_spawn, runs no hook and needs none: a new program follows.
- ctypes is imported at start-up, while there is one thread, and not in a child: if another thread is importing it at
  the moment of a fork, its module lock stays locked in the child for ever, and an import there waits for ever
  (tests/hook shows it). It takes 2 ms and 1.3 MB, which parent and children share.
- The import makes no ffi closure, so parent and children share no writable libffi memory (the trap of
  joblib/threadpoolctl#225); `ctypes.util`, which makes one in 3.14, is not used.
- jemalloc's own handlers are older: it registers them with pthread_atfork when it starts, and they have run before
  fork() returns. Python runs `after_in_child` after that, with its locks made new. So mallctl finds its locks free,
  and starting a thread there is what Python's own `threading` does in forked children.
- jemalloc blocks all signals in its thread: the signals of a worker still reach Python's main thread.
- If the thread cannot be started (pids limit), jemalloc counts it as running all the same, and then nobody gives
  memory back. So the option is switched off again, which leaves the process as it was without this module.
- One thread for each process, whatever `max_background_threads` says: it serves all arenas. More than one, and the
  first starts the others a moment later; where the child runs another program meanwhile (fork and exec) the kernel
  refuses that, and jemalloc prints "background thread creation failed" to the new program's stderr.
- uWSGI forks in C. With `py-call-osafterfork = true` it runs `after_in_child` but never `before`: jemalloc itself has
  made the child's thread none then. Without that option uWSGI tells Python nothing, and the thread stays away.
- A process that must have no second thread (os.unshare(CLONE_NEWUSER), os.setns), the first one or a child of os.fork(),
  has to start another program for that, as `subprocess` does, or to run with JEMALLOC_THREAD_IN_PYTHON=0.
- An interpreter of its own (subinterpreter) registers its own functions, and they run for its own forks only.
"""

import os

_switch = None


def install():
    global _switch
    # `site` reads the .pth files of a venv twice.
    if _switch is None:
        _switch = _find() or False
        if _switch:
            _run()
            os.register_at_fork(before=_pause, after_in_parent=_run, after_in_child=_run)


def _find():
    if os.environ.get('JEMALLOC_THREAD_IN_PYTHON', '') in ('', '0') or not hasattr(os, 'register_at_fork'):
        return None
    try:
        from ctypes import CDLL, byref, c_bool, c_char_p, c_size_t, c_void_p, sizeof
        mallctl = CDLL(None).mallctl
    except Exception:
        return None
    mallctl.argtypes = c_char_p, c_void_p, c_void_p, c_void_p, c_size_t
    # In 5.0 there is no such name: it has a thread for each CPU.
    mallctl(b'max_background_threads', None, None, byref(c_size_t(1)), sizeof(c_size_t))

    def switch(on):
        return mallctl(b'background_thread', None, None, byref(c_bool(on)), 1)
    return switch


def _run():
    if _switch(True):
        _switch(False)


def _pause():
    _switch(False)


def _put_into_site_packages():
    import pathlib
    import py_compile
    import shutil
    import site
    os.umask(0o022)
    folder = pathlib.Path(site.getsitepackages()[0])
    folder.mkdir(parents=True, exist_ok=True)
    module = folder / 'jemalloc_thread.py'
    shutil.copyfile(__file__, str(module))
    module.with_suffix('.pth').write_text('import jemalloc_thread; jemalloc_thread.install()')
    module.with_suffix('.start').write_text('jemalloc_thread:install')
    py_compile.compile(str(module), doraise=True)


if __name__ == '__main__':
    _put_into_site_packages()
