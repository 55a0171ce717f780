"""Records the memory of a process that waits, for the readers of `inspect`: `record.py PID FILE [MIB]`.

A recording is its mappings and the pages that are in memory, as src/inspect/recording.rs has it: all of them, or the first mebibytes where
that is enough."""

import math
import os
import struct
import sys

# Of a recording, and of the system.
PAGE, PAGES = 4096, os.sysconf("SC_PAGESIZE")


def main(pid, path, left):
    with open(f"/proc/{pid}/maps") as maps:
        text = maps.read()
    with open(path, "wb") as out, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        out.write(b"malloclint recording 1\n" + text.rstrip("\n").encode() + b"\n\n")
        for line in text.splitlines():
            start, end = (int(half, 16) for half in line.split()[0].split("-"))
            if "[v" in line:
                continue
            pagemap.seek(start // PAGES * 8)
            entries = pagemap.read((end - start) // PAGES * 8)
            for number, (entry,) in enumerate(struct.iter_unpack("<Q", entries)):
                first = start + number * PAGES
                for at in range(first, first + PAGES, PAGE) if entry >> 63 else []:
                    if left > 0:
                        memory.seek(at)
                        out.write(struct.pack("<Q", at) + memory.read(PAGE))
                        left -= 1


main(int(sys.argv[1]), sys.argv[2], (int(sys.argv[3]) << 20) // PAGE if sys.argv[3:] else math.inf)
