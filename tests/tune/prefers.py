"""A program that takes less memory under one setting, whatever the machine: `NAME=VALUE` in its environment, and no other
variable of an allocator."""

import os
import sys
import time

name, value = sys.argv[1].split("=", 1)
others = [key for key in os.environ if key.startswith("MALLOC_") and key != name]
liked = value in os.environ.get(name, "") and not others
block = b"x" * ((10 if liked else 80) << 20)
time.sleep(0.4)
