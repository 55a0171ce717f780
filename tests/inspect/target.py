"""A process with a heap of some shape. A line on its standard input asks what its allocators say of themselves; the answer is
a line of JSON."""

import ctypes
import json
import mmap
import os
import random
import re
import sys
import threading
import time

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
libc.sbrk.restype = ctypes.c_void_p
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.gnu_get_libc_version.restype = ctypes.c_char_p
SIZES = [600, 1200, 3000, 9000, 20000]
# Each waiting thread of `manythreads` has so many blocks of so many bytes in its cache, which become chunks of 16 bytes more.
CACHED, CACHED_SIZE = 7, 1000
KEPT = []
WAIT = threading.Event()
# What the shape knows of itself beyond what the allocator says.
KNOWN = {}


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


def waiting():
    """A thread that has had some memory, keeps some in its cache, and waits."""
    blocks(30, 0.3)
    mine = [libc.malloc(CACHED_SIZE) for _ in range(CACHED)]
    for block in mine:
        libc.free(block)
    STARTED.release()
    WAIT.wait()


STARTED = threading.Semaphore(0)


def many(count):
    threads(count, waiting)
    for _ in range(count):
        STARTED.acquire()
    KNOWN["cached"] = count * CACHED * (CACHED_SIZE + 8)


def big(count):
    """Blocks that are mapped by themselves, of which each third is freed: that lets the size from which they are grow."""
    mine = []
    for number in range(count):
        size = (200 << 10) * (1 + number % 12) + 100 * number
        block = libc.malloc(size)
        ctypes.memset(block, 1, size)
        mine.append(block)
    for block in mine[::3]:
        libc.free(block)
    KEPT.extend(mine)


def block_brk():
    """Maps a page right behind the heap: `brk` fails from now on, and the main arena gets its memory from `mmap`."""
    end = -(-libc.sbrk(0) // mmap.PAGESIZE) * mmap.PAGESIZE
    fixed_noreplace = 0x100000
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | fixed_noreplace
    if libc.mmap(end, mmap.PAGESIZE, 0, flags, -1, 0) != end:
        raise OSError("nothing could be mapped behind the heap")
    KNOWN["scattered"] = True


def become_child():
    """Goes on in a child; the parent waits for it."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os._exit(0)
    # It ends with its parent (PR_SET_PDEATHSIG), whatever becomes of that.
    libc.prctl(1, 9, 0, 0, 0)
    for block in KEPT[::2]:
        libc.free(block)
    del KEPT[::2]


def unjoin(mine):
    """Frees blocks when the main thread waits already: to ask for more than a kilobyte, as it does to read a line, would join them."""
    time.sleep(0.5)
    for index, block in enumerate(mine):
        if index % 100:
            libc.free(block)
    os.write(1, b'"freed"\n')
    WAIT.wait()


def make(shape):
    if shape in ("fragmented", "leaking"):
        for thread in threads(8, blocks, 3000, 0.01 if shape == "fragmented" else 1.0):
            thread.join()
        threads(8, WAIT.wait)
    elif shape == "sparse":
        tuples = [(number, number) for number in range(1_000_000)]
        KEPT.append(tuples[::100])
        del tuples
    elif shape == "unjoined":
        mine = [libc.malloc(40) for _ in range(300_000)]
        KEPT.append(mine)
        threads(1, unjoin, mine)
    elif shape == "foreign":
        # Memory of somebody else between that of malloc, which leads backwards and far away where it is taken for blocks.
        for pattern in (b"\xf0" + b"\xff" * 7, b"\x21\0\0\0\0\0\0\0", b"\x01\0\0\x04\0\0\0\0"):
            blocks(200, 0.5)
            place = libc.sbrk(1 << 20)
            ctypes.memmove(place, pattern * (1 << 17), 1 << 20)
        blocks(200, 0.5)
        KNOWN["foreign"] = 3 << 20
    elif shape == "manythreads":
        many(200)
    elif shape == "bigblocks":
        big(60)
    elif shape == "noncontiguous":
        block_brk()
        blocks(8000, 0.3)
    elif shape == "forked":
        for thread in threads(8, blocks, 3000, 0.5):
            thread.join()
        blocks(3000, 0.5)
        become_child()
    elif shape == "empty":
        mapped = mmap.mmap(-1, 1 << 38, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
        KEPT.append(mapped)
    elif shape == "busy":
        threads(8, busy)


def whole_of(file):
    """The text of a file, without a buffer of its size: from Python 3.14 on that would be 128 KiB, which changes what is asked for."""
    text = b""
    while part := os.pread(file, 1 << 14, len(text)):
        text += part
    os.close(file)
    return text.decode()


def malloc_info():
    file = os.memfd_create("malloc_info")
    stream = libc.fdopen(os.dup(file), b"w")
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    text = whole_of(file)
    whole = text[text.rindex("</heap>") :]
    totals = {kind: int(size) for kind, size in re.findall(r'<total type="(\w+)" count="\d+" size="(\d+)"', whole)}
    system = int(re.search(r'<system type="current" size="(\d+)"', whole)[1])
    # From glibc 2.43 on there are no fast bins.
    free = totals.get("fast", 0) + totals["rest"]
    own = {"live": system - free, "free": free, "mapped": totals["mmap"]}
    return {**own, "arenas": text.count("<heap nr=")}


class Mallinfo2(ctypes.Structure):
    NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES.split()]


class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in Mallinfo2.NAMES.split()]


def top():
    """The last block of the main arena: its size, and the end of the heap, where it ends unless `brk` is blocked."""
    # Before glibc 2.33 there is only the one with numbers of 32 bits.
    ask, kind = (libc.mallinfo2, Mallinfo2) if hasattr(libc, "mallinfo2") else (libc.mallinfo, Mallinfo)
    ask.restype = kind
    return {"size": ask().keepcost, "end": libc.sbrk(0)}


def known():
    """Who this is, and what the shape knows of itself."""
    versions = {"glibc": libc.gnu_get_libc_version().decode(), "python": "%d.%d.%d" % sys.version_info[:3]}
    return {"pid": os.getpid(), **versions, **KNOWN}


def resident():
    """Page by page, which is slow; the counters in `status` may be some pages behind."""
    rollup = whole_of(os.open("/proc/self/smaps_rollup", os.O_RDONLY))
    return int(re.search(r"Anonymous:\s+(\d+)", rollup)[1]) * 1024


def trim():
    before = resident()
    libc.malloc_trim(0)
    return before - resident()


def pymalloc():
    """What `sys._debugmallocstats` prints on the process's own standard error."""
    file, kept = os.memfd_create("pymalloc"), os.dup(2)
    os.dup2(file, 2)
    sys._debugmallocstats()
    os.dup2(kept, 2)
    os.close(kept)
    text = whole_of(file)
    if "# arenas allocated current" not in text:
        return {"arenas": 0, "live": 0}  # PYTHONMALLOC=malloc
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
    everywhere, page = "stats.arenas.4096.", number("arenas.page")
    return {
        "page": page,
        "live": number("stats.allocated"),
        "active": number("stats.active"),
        "dirty": number(everywhere + "pdirty") * page,
        "retained": number("stats.retained"),
    }


def fork():
    child = os.fork()
    if child == 0:
        # It ends with its parent (PR_SET_PDEATHSIG), whatever becomes of that.
        libc.prctl(1, 9, 0, 0, 0)
        WAIT.wait()
    return child


def questions():
    """The lines of standard input. Python's own buffer for it has 128 KiB from 3.14 on: in use, and not in memory."""
    mine = os.dup(0)
    sys.stdin.close()
    return open(mine, buffering=4096)


asked = questions()
make(sys.argv[1])
print(json.dumps("ready"), flush=True)
for line in asked:
    answer = {one.__name__: one for one in (malloc_info, top, known, trim, pymalloc, mallctl, fork)}[line.strip()]()
    print(json.dumps(answer), flush=True)
