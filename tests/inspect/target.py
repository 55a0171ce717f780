"""A process with a heap of some shape. A line on its standard input asks what its allocators say of themselves; the answer is
a line of JSON."""

import ctypes
import json
import mmap
import os
import random
import re
import sys
import tempfile
import threading

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
SIZES = [600, 1200, 3000, 9000, 20000]
KEPT = []
WAIT = threading.Event()


def blocks(count, share):
    mine = []
    for _ in range(count):
        size = random.choice(SIZES)
        block = libc.malloc(size)
        ctypes.memset(block, 1, size)
        mine.append(block)
    random.shuffle(mine)
    cut = int(len(mine) * share)
    for block in mine[cut:]:
        libc.free(block)
    KEPT.extend(mine[:cut])


def busy():
    mine = []
    while True:
        if len(mine) > 500:
            for _ in range(100):
                libc.free(mine.pop(random.randrange(len(mine))))
        for _ in range(100):
            mine.append(libc.malloc(random.choice(SIZES)))


def threads(count, work, *arguments):
    started = [threading.Thread(target=work, args=arguments, daemon=True) for _ in range(count)]
    for thread in started:
        thread.start()
    return started


def make(shape):
    if shape in ("fragmented", "leaking"):
        for thread in threads(8, blocks, 3000, 0.01 if shape == "fragmented" else 1.0):
            thread.join()
        threads(8, WAIT.wait)
    elif shape == "sparse":
        tuples = [(number, number) for number in range(1_000_000)]
        KEPT.append(tuples[::100])
        del tuples
    elif shape == "foreign":
        # Memory of somebody else between that of malloc, which leads backwards and far away where it is taken for blocks.
        libc.sbrk.restype = ctypes.c_void_p
        for pattern in (b"\xf0" + b"\xff" * 7, b"\x21\0\0\0\0\0\0\0", b"\x01\0\0\x04\0\0\0\0"):
            blocks(200, 0.5)
            place = libc.sbrk(1 << 20)
            ctypes.memmove(place, pattern * (1 << 17), 1 << 20)
        blocks(200, 0.5)
    elif shape == "empty":
        mapped = mmap.mmap(-1, 1 << 38, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
        KEPT.append(mapped)
    elif shape == "busy":
        threads(8, busy)


def malloc_info():
    with tempfile.NamedTemporaryFile() as file:
        stream = libc.fopen(file.name.encode(), b"w")
        libc.malloc_info(0, stream)
        libc.fclose(stream)
        text = file.read().decode()
    whole = text[text.rindex("</heap>") :]
    totals = {kind: int(size) for kind, size in re.findall(r'<total type="(\w+)" count="\d+" size="(\d+)"', whole)}
    system = int(re.search(r'<system type="current" size="(\d+)"', whole)[1])
    free = totals["fast"] + totals["rest"]
    return {"live": system - free, "free": free, "arenas": text.count("<heap nr=")}


def resident():
    with open("/proc/self/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1]) * 1024


def trim():
    before = resident()
    libc.malloc_trim(0)
    return before - resident()


def pymalloc():
    """What `sys._debugmallocstats` prints on the process's own standard error."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        sys._debugmallocstats()
        os.dup2(kept, 2)
        file.seek(0)
        text = file.read().decode()
    number = lambda name: int(re.search(rf"{name}\s*=?\s*([\d,]+)", text)[1].replace(",", ""))
    return {"arenas": number("# arenas allocated current"), "live": number("# bytes in allocated blocks")}


def mallctl():
    """What jemalloc says of itself."""

    def number(name, kind=ctypes.c_size_t):
        value, size = kind(), ctypes.c_size_t(ctypes.sizeof(kind))
        if libc.mallctl(name.encode(), ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0)):
            raise OSError(name)
        return value.value

    epoch = ctypes.c_uint64(1)
    libc.mallctl(b"epoch", None, None, ctypes.byref(epoch), ctypes.c_size_t(8))
    everywhere = "stats.arenas.4096."
    return {
        "live": number("stats.allocated"),
        "active": number("stats.active"),
        "dirty": number(everywhere + "pdirty") * 4096,
        "retained": number("stats.retained"),
    }


def fork():
    child = os.fork()
    if child == 0:
        # It ends with its parent (PR_SET_PDEATHSIG), whatever becomes of that.
        libc.prctl(1, 9, 0, 0, 0)
        WAIT.wait()
    return child


make(sys.argv[1])
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    answer = {"malloc_info": malloc_info, "trim": trim, "pymalloc": pymalloc, "mallctl": mallctl, "fork": fork}[line.strip()]()
    print(json.dumps(answer), flush=True)
