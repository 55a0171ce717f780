"""Images of a moment: no engine builds them, and what is asked of registries does not depend on what is in them."""

from __future__ import annotations

import random
from pathlib import Path

import alpine
import archive
from layout import Layout
from subjects import CONF

LIBRARY = "/usr/lib/libjemalloc.so.2"
# More than a blob that is read at once, and nothing that can be packed.
LARGE = 12 << 20
STARTED = {"Env": ["PATH=/usr/bin", f"MALLOC_CONF={CONF}", f"LD_PRELOAD={LIBRARY}"], "Cmd": ["gunicorn", "app:app"]}


def make(folder: Path) -> Layout:
    """Two tags: `right`, and `wrong`, whose library is not there. Both have a small layer and a large one."""
    layout = Layout(folder)
    parts = alpine.build()
    large = layout.layer(archive.pack({"srv/large": random.Random(0).randbytes(LARGE)}))
    for tag, library in (("right", parts.jemalloc), ("wrong", None)):
        layers = [layout.layer(alpine.root(parts, jemalloc=library)), large]
        layout.tag(tag, layout.image(layers, "amd64", STARTED))
    return layout
