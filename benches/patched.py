"""How long jemalloc takes to come into an image that is there: `image patch`, `docker build` of the Dockerfile that does the same, and
`umoci insert` with `umoci config`; with memory and bytes.

The engine and the base image are those of tests/e2e. A layout is copied by hard links before each run, and is no part of the time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "images"))

import run  # noqa: E402
import needs  # noqa: E402
import patching  # noqa: E402
from patching import TAG, Patching  # noqa: E402
from tools import PACKAGES  # noqa: E402
from world import World  # noqa: E402

RUNS = 5
NEEDS = ("skopeo", "umoci")
ENV = {"LD_PRELOAD": "libjemalloc.so.2", "MALLOC_CONF": "narenas:2"}
LIBRARY = "usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
DOCKERFILE = """FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/*
ENV {env}
"""


@dataclass(frozen=True)
class Way:
    """`prepare` comes before each run, and is not counted."""

    name: str
    prepare: Callable[[], object]
    do: Callable[[], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--malloclint", required=True, type=Path, help="a release build")
    arguments = parser.parse_args()
    missing = needs.missing({program: PACKAGES[program] for program in NEEDS})
    if needs.reason_against_amd64() or missing:
        print(f"left out: image patch beside docker build ({needs.reason_against_amd64() or ' '.join(missing)})")
        return
    with ExitStack() as ends:
        run.take_place(ends, keep=False)
        world = World(arguments.malloclint.resolve(), run.SHARED, run.OWN, ends)
        own = patching.subject("amd64")
        work = Patching(world, own)
        times = {way.name: [timed(way) for _ in range(RUNS)] for way in ways(world, work, own.image(own.variants()[0]))}
        most = peak(work) / (1 << 20)
    built = statistics.median(times["docker build"])
    for name, all_of_them in times.items():
        middle = statistics.median(all_of_them)
        print(f"{name:32} {middle:6.2f} s ({min(all_of_them):.2f} to {max(all_of_them):.2f})  1/{built / middle:.1f} of docker build")
    print(f"image patch takes {most:.0f} MiB at most")


def timed(way: Way) -> float:
    way.prepare()
    return way.do()


def took(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def ways(world: World, work: Patching, image: str) -> list[Way]:
    copy, root = work.folder / "copy", work.folder / "inserted"
    library = unpacked(world, work, root)

    def copied() -> None:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(work.layout, copy, copy_function=os.link)

    def build() -> None:
        text = DOCKERFILE.format(base=image, env=" ".join(f"{name}={value}" for name, value in ENV.items()))
        world.store("amd64").must_build(text, ["images:built"], "--no-cache")

    def insert() -> None:
        world.tools.run("umoci", "insert", f"--image={copy}:{TAG}", str(library), f"/{LIBRARY}")
        told = [f"--config.env={name}={value}" for name, value in ENV.items()]
        world.tools.run("umoci", "config", f"--image={copy}:{TAG}", *told)

    target = f"oci:{copy}:{TAG}"
    return [
        Way("image patch --deb", copied, lambda: took(lambda: work.patch(target, target))),
        Way("docker build", lambda: None, lambda: took(build)),
        Way("umoci insert, umoci config", copied, lambda: took(insert)),
    ]


def unpacked(world: World, work: Patching, root: Path) -> Path:
    """The library of the package."""
    package = next(work.packages.glob("*.deb"))
    world.tools.run("dpkg-deb", "--extract", str(package), str(root))
    return root / LIBRARY


def peak(work: Patching) -> int:
    """The most memory that a run of it takes, in bytes."""
    process = subprocess.Popen(work.command(f"oci:{work.folder / 'peak'}:{TAG}"), stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    return used.ru_maxrss * 1024


if __name__ == "__main__":
    main()
