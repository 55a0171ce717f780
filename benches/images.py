"""How long `image check` takes for a large image, and how much memory: beside `zcat | tar t` of the same layers, on one core."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import random
import resource
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

# Layers as they are: half of their bytes cannot be packed, as those of programs and models, the rest is text.
LAYERS, FILES, SIZE = 8, 400, 320 << 10
RUNS = 5
MIB = 1 << 20


def layer(number: int, to: Path) -> dict[str, object]:
    """One layer, packed as docker packs it; its descriptor."""
    source = random.Random(number)
    text = b"".join(b"def f_%d(x):\n    return x + %d\n" % (source.randrange(1 << 30), line) for line in range(SIZE // 40))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as packed:
        for file in range(FILES):
            data = source.randbytes(SIZE) if file % 2 else text[:SIZE]
            entry = tarfile.TarInfo(f"usr/lib/python3/dist-packages/part{number}/module{file}.py")
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    unpacked = archive.getvalue()
    blob = gzip.compress(unpacked, 6, mtime=0)
    return {"blob": put(to, blob, "application/vnd.oci.image.layer.v1.tar+gzip"), "diff": digest(unpacked), "size": len(unpacked)}


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def put(to: Path, data: bytes, kind: str) -> dict[str, object]:
    name = digest(data)
    (to / "blobs/sha256" / name.removeprefix("sha256:")).write_bytes(data)
    return {"mediaType": kind, "digest": name, "size": len(data)}


def image(to: Path) -> tuple[list[Path], int]:
    """An image of a gigabyte; its layers, and how many bytes they unpack to."""
    (to / "blobs/sha256").mkdir(parents=True)
    layers = [layer(number, to) for number in range(LAYERS)]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin"], "Cmd": ["python3", "app.py"]},
        "rootfs": {"type": "layers", "diff_ids": [one["diff"] for one in layers]},
    }
    written = put(to, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "config": written, "layers": [one["blob"] for one in layers]}
    root = put(to, json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    (to / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [root]}))
    names = [str(one["blob"]["digest"]).removeprefix("sha256:") for one in layers]  # type: ignore[index]
    return [to / "blobs/sha256" / name for name in names], sum(int(str(one["size"])) for one in layers)


def timed(command: list[str], core: int) -> tuple[float, int]:
    """Seconds, and the peak of memory in bytes, on one core."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    _, _, used = os.wait4(process.pid, 0)
    return time.perf_counter() - start, used.ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--malloclint", required=True, type=Path, help="a release build")
    arguments = parser.parse_args()
    if shutil.which("zcat") is None:
        print("left out: zcat is not installed")
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    core = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        blobs, size = image(Path(folder) / "image")
        check = [str(arguments.malloclint), "image", "check", "--isolated", f"oci:{folder}/image"]
        listing = ["sh", "-c", 'for blob; do zcat "$blob" | tar t; done', "sh", *map(str, blobs)]
        best = {}
        for name, command in (("image check", check), ("zcat | tar t", listing)):
            runs = [timed(command, core) for _ in range(RUNS)]
            best[name] = min(seconds for seconds, _ in runs)
            memory = max(peak for _, peak in runs) / MIB
            print(f"{name:14} {best[name]:6.2f} s  {memory:6.1f} MiB  {size / best[name] / 1e6:6.0f} MB/s of {size / 1e6:.0f} MB in {len(blobs)} layers")
        print(f"ratio {best['image check'] / best['zcat | tar t']:.2f}")


if __name__ == "__main__":
    main()
