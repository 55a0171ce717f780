"""Runs the oracle of `inspect` on arm64: in a machine that qemu emulates, under Debian's own kernels and its Pythons, which is slow.

    python3 tests/inspect/arm64.py --malloclint target/aarch64-unknown-linux-gnu/release/malloclint

`--pages 16k` boots the kernel whose pages have 16 KiB. What is behind `--` goes to the oracle. The program is a static one (CONTRIBUTING.md).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import places  # noqa: E402
from places import mirror, process  # noqa: E402

HERE = Path(__file__).resolve().parent
# What a kernel and its initial file system are called: Debian's packages for pages of 4 KiB and of 16 KiB.
KERNELS = {"4k": "linux-image-arm64", "16k": "linux-image-arm64-16k"}
SUITE = "trixie"
KEPT = ("vmlinuz", "initrd.img")
MEMORY = "6G"
# The first of the disks is what the machine runs on; each of the others has a name, and is mounted by it. The last has the tests.
BOOT = """
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /mnt
# Else memory grows by itself: the kernel makes huge pages of what was given back, between two questions.
echo never > /sys/kernel/mm/transparent_hugepage/enabled
echo "booted: $(uname -rm), pages of $(getconf PAGESIZE) bytes"
code=0
disk=b
for name in $names; do
    mkdir /mnt/$name
    mount -o ro /dev/vd$disk /mnt/$name
    mount -t proc proc /mnt/$name/proc
    mount --rbind /dev /mnt/$name/dev
    mount -t tmpfs tmpfs /mnt/$name/tmp
    mount --bind /home /mnt/$name/home
    echo "place: $name"
    chroot /mnt/$name /usr/bin/python3 /home/inspect/oracle.py --malloclint /home/malloclint --only host $options || code=1
    disk=$(echo $disk | tr a-y b-z)
done
echo "ended: $code"
echo o > /proc/sysrq-trigger
sleep 60
"""


def main() -> int:
    options = _options()
    absent = [program for program in ("qemu-system-aarch64", "mmdebstrap", "mke2fs") if not shutil.which(program)]
    if absent or os.geteuid() != 0:
        print(f"left out: not installed: {' '.join(absent)}" if absent else "left out: roots need root")
        return 2
    names = [name for name in places.DEBIAN if not options.only or name in options.only]
    try:
        kernel, initial, first = _machine(options.pages)
        disks = [first, *(_disk(name) for name in names)]
    except mirror.Unmade as error:
        print(f"error: {error}")
        return 1
    with tempfile.TemporaryDirectory(dir=places.ROOTS) as scratch:
        tests = _tests(Path(scratch), options.malloclint, names, options.oracle)
        return _run(kernel, initial, [*disks, tests])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--malloclint", type=lambda path: Path(path).resolve(), required=True, help="a static program for arm64")
    parser.add_argument("--pages", choices=list(KERNELS), default="4k", help="how large the kernel's pages are")
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=list(places.DEBIAN), default=[], help="these releases")
    parser.add_argument("oracle", nargs="*", help="what the oracle is told")
    return parser.parse_args()


def _machine(pages: str) -> tuple[Path, Path, Path]:
    """A kernel, the file system that it starts with, which has the drivers for disks, and the disk that it goes on with."""
    folder = places.ROOTS / f"arm64-machine-{pages}"
    disk = folder.with_suffix(".ext4")
    if not disk.exists():
        mirror.make(folder, SUITE, "arm64", ["--variant=apt", f"--include={KERNELS[pages]},initramfs-tools"])
        for name in KEPT:
            shutil.copy(next((folder / "boot").glob(f"{name}-*")), folder.with_suffix(f".{name}"))
        shutil.rmtree(folder / "usr/lib/modules", ignore_errors=True)
        _make_disk(folder, disk, 64)
        shutil.rmtree(folder)
    return *(folder.with_suffix(f".{name}") for name in KEPT), disk


def _disk(name: str) -> Path:
    """A release's file system as a disk."""
    root = places.root(name, "arm64").root
    disk = root.with_name(f"{root.name}.ext4")
    if not disk.exists():
        _make_disk(root, disk, 256)
    return disk


def _make_disk(folder: Path, disk: Path, spare: int) -> None:
    """`spare`: MiB beyond what is in the folder."""
    used = sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir()) >> 20
    part = disk.with_name(f"part-{disk.name}")
    done = process.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(folder), str(part), f"{used * 5 // 4 + spare}M"])
    if done.code != 0:
        raise mirror.Unmade(f"mke2fs: {done.both()[-2000:]}")
    part.replace(disk)


def _tests(scratch: Path, malloclint: Path, names: list[str], oracle: list[str]) -> Path:
    """What the machine does, and with what."""
    folder = scratch / "tests"
    shutil.copytree(HERE, folder / "inspect")
    shutil.copytree(HERE.parent / "e2e", folder / "e2e")
    shutil.copy(malloclint, folder / "malloclint")
    heads = [f"names='{' '.join(names)}'", f"options='{' '.join(oracle)}'"]
    (folder / "boot.sh").write_text("\n".join([*heads, BOOT]))
    disk = scratch / "tests.ext4"
    _make_disk(folder, disk, 32)
    return disk


def _run(kernel: Path, initial: Path, disks: list[Path]) -> int:
    """Shows what the machine says, and ends as the oracle did in it."""
    last = chr(ord("a") + len(disks) - 1)
    start = f'mount -t devtmpfs dev /dev; mount /dev/vd{last} /home; exec sh /home/boot.sh'
    words = f'console=ttyAMA0 quiet panic=-1 root=/dev/vda rootfstype=ext4 rw init=/bin/sh -- -c "{start}"'
    command = ["qemu-system-aarch64", "-machine", "virt", "-cpu", "max", "-smp", "2", "-m", MEMORY, "-nographic", "-no-reboot", "-nic", "none"]
    command += ["-kernel", str(kernel), "-initrd", str(initial), "-append", words]
    for number, disk in enumerate(disks):
        # Nothing is written to them.
        command += ["-drive", f"if=none,id=disk{number},file={disk},format=raw,snapshot=on"]
        command += ["-device", f"virtio-blk-pci,drive=disk{number}"]
    code = 1
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as machine:
        for line in machine.stdout:
            print(line.rstrip(), flush=True)
            if line.startswith("ended: "):
                code = int(line.split()[1])
    return code


if __name__ == "__main__":
    sys.exit(main())
