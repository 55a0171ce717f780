"""What the allocators of a service say of themselves, in the process: answered on a socket of its own, beside whatever it serves.

A connection is one question. The answer is a line of JSON; `malloc_trim` comes last in it, as it changes what the others say.
"""

import ctypes
import json
import os
import re
import socket
import sys
import tempfile
import threading

LIBC = ctypes.CDLL(None)
LIBC.fopen.restype = ctypes.c_void_p
LIBC.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
LIBC.fclose.argtypes = [ctypes.c_void_p]
ARENA = 1 << 20


def start():
    """Answers from now on, in this process: call it in the worker, behind the fork."""
    path = f"{os.environ['SERVICE_FOLDER']}/{os.getpid()}.truth"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen()
    threading.Thread(target=_answer, args=(listening,), daemon=True).start()


def _answer(listening):
    while True:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(json.dumps(_say()).encode())


def _say():
    said = {"anonymous": _anonymous()}
    said |= _pymalloc() | _malloc()
    before = _anonymous()
    LIBC.malloc_trim(0)
    return said | {"trimmed": before - _anonymous()}


def _anonymous():
    with open("/proc/self/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1]) * 1024


def _malloc():
    """`live` includes what the caches of threads hold; `mapped` are the blocks that were mapped by themselves."""
    with tempfile.NamedTemporaryFile() as file:
        stream = LIBC.fopen(file.name.encode(), b"w")
        LIBC.malloc_info(0, stream)
        LIBC.fclose(stream)
        text = file.read().decode()
    whole = text[text.rindex("</heap>") :]
    totals = {kind: int(size) for kind, size in re.findall(r'<total type="(\w+)" count="\d+" size="(\d+)"', whole)}
    system = int(re.search(r'<system type="current" size="(\d+)"', whole)[1])
    free = totals["fast"] + totals["rest"]
    return {"malloc_live": system - free, "malloc_free": free, "malloc_mapped": totals["mmap"], "arenas": text.count("<heap nr=")}


def _pymalloc():
    """`sys._debugmallocstats` prints on the process's own standard error."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        sys._debugmallocstats()
        os.dup2(kept, 2)
        os.close(kept)
        file.seek(0)
        text = file.read().decode()
    number = lambda name: int(re.search(rf"{name}\s*=?\s*([\d,]+)", text)[1].replace(",", ""))
    live = number("# bytes in allocated blocks")
    return {"pymalloc_live": live, "pymalloc_free": number("# arenas allocated current") * ARENA - live}
