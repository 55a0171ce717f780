#!/usr/bin/env python3
import os
import platform

library = f"/usr/lib/{platform.machine()}-linux-gnu/libjemalloc.so.2"
if os.path.isfile(library):
    os.environ["LD_PRELOAD"] = library
os.execvp("gunicorn", ["gunicorn", "--threads", "8", "app:app"])
