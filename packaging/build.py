#!/usr/bin/env python3
"""Builds the packages: `build.py wheel|binary|sdist [--target TRIPLE] [--out FOLDER]`.

All of them are built from what `cargo package` would publish, so that no registry gets other sources than another, and
nothing that lies about in the checkout gets into a package.

For Linux the program is linked statically, against glibc, too. It asks nothing of the system but the kernel: it runs on
Debian as on Alpine, and in an image that holds nothing else. The wheel has to say which systems it is for in words that
know only "this glibc or newer" and "this musl or newer". Both are true of it, so it carries both: manylinux_2_17 (and
manylinux2014, its older name), since pip of every Python from 3.7 on knows it and since 2014 every distribution has it,
and musllinux_1_1, without which pip on Alpine would look for a compiler.
"""

import argparse
import gzip
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from typing import Dict, List

import project
import readme
import wheels

GLIBC, MUSL = "manylinux_2_17", "musllinux_1_1"


def main() -> None:
    arguments = parser().parse_args()
    package = project.package()
    source = staged(package)
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if arguments.what == "sdist":
        print(sdist(source, out))
        return
    target = arguments.target or host()
    wheel = build(source, target, target_folder() / "packaging" / "wheels" / target)
    if arguments.what == "wheel":
        print(shutil.copy(wheel, out))
    else:
        print(archive(wheel, source, f"{package['name']}-{package['version']}-{words(target)}", out))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Build the packages of the program.")
    parser.add_argument("what", choices=["wheel", "binary", "sdist"])
    parser.add_argument("--target", metavar="TRIPLE", help="what to build for, as Rust calls it (this machine)")
    parser.add_argument("--out", metavar="FOLDER", type=pathlib.Path, default=project.ROOT / "dist")
    return parser


def target_folder() -> pathlib.Path:
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or project.ROOT / "target").resolve()


def host() -> str:
    for line in subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE).stdout.decode().splitlines():
        if line.startswith("host: "):
            return line[len("host: ") :]
    raise SystemExit("rustc does not say which machine this is")


def staged(package: Dict) -> pathlib.Path:
    """A folder with what would be published, and a README for registries."""
    name = f"{package['name']}-{package['version']}"
    command = ["cargo", "package", "--locked", "--allow-dirty", "--no-verify", "--quiet"]
    subprocess.run(command, check=True, cwd=project.ROOT)
    files = {}
    with tarfile.open(target_folder() / "package" / f"{name}.crate") as crate:
        for member in crate.getmembers():
            path = member.name.split("/", 1)[1]
            # Cargo writes these anew where it packs the package once more, and takes it amiss if they are there.
            if path not in ("Cargo.toml.orig", ".cargo_vcs_info.json"):
                files[path] = crate.extractfile(member).read()
    text = files["README.md"].decode()
    files["README.md"] = readme.absolute(text, package["repository"], f"v{package['version']}").encode()
    folder = target_folder() / "packaging" / name
    write(folder, files)
    return folder


def write(folder: pathlib.Path, files: Dict[str, bytes]) -> None:
    """Makes the folder hold these files; what is the same already keeps its time, and Cargo what it compiled of it."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, data in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def environment() -> Dict[str, str]:
    known = project.commit()
    return {
        **os.environ,
        "CARGO_TARGET_DIR": str(target_folder()),
        "SOURCE_DATE_EPOCH": project.committed_at(),
        **({"MALLOCLINT_COMMIT": known} if known else {}),
    }


def maturin(arguments: List[str], source: pathlib.Path, env: Dict[str, str]) -> None:
    beside = pathlib.Path(sys.executable).with_name("maturin")
    program = str(beside) if beside.exists() else "maturin"
    try:
        subprocess.run([program, *arguments], check=True, cwd=source, env=env, stdout=sys.stderr)
    except FileNotFoundError:
        raise SystemExit("maturin is not installed: `make wheel` installs it, or `pip install maturin`") from None


def sdist(source: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    maturin(["sdist", "--out", str(out)], source, environment())
    return newest(out, "*.tar.gz")


def build(source: pathlib.Path, target: str, out: pathlib.Path) -> pathlib.Path:
    shutil.rmtree(out, ignore_errors=True)
    env = environment()
    arguments = ["build", "--release", "--locked", "--target", target, "--out", str(out)]
    if "linux" in target:
        arguments += ["--compatibility", GLIBC]
    if "linux" in target or "windows" in target:
        # On Windows it is the C library of Visual Studio, which not every machine has.
        env["RUSTFLAGS"] = f"{env.get('RUSTFLAGS', '')} -C target-feature=+crt-static".strip()
    if "linux" in target:
        # Asked of the kernel: a static program finds no function of the C library at run time, and /dev is not in every root.
        env["RUSTFLAGS"] += ' --cfg getrandom_backend="linux_raw"'
    if target != host():
        env.update(across(target, env))
    maturin(arguments, source, env)
    wheel = newest(out, "*.whl")
    if "linux" in target:
        wheel = wheels.add_platform(wheel, f"{MUSL}_{target.split('-')[0]}")
    return wheel


def across(target: str, env: Dict[str, str]) -> Dict[str, str]:
    """What a build for another machine needs: a linker, and a compiler that has that machine's standard library."""
    found = {}
    linker = f"CARGO_TARGET_{target.upper().replace('-', '_')}_LINKER"
    gcc = f"{target.replace('-unknown', '')}-gcc"
    if linker not in env and shutil.which(gcc):
        found[linker] = gcc
    if "RUSTC" not in env:
        for rustc in ("rustc", "/usr/bin/rustc"):
            if has_library(rustc, target):
                found["RUSTC"] = rustc
                break
        else:
            raise SystemExit(f"no rustc here has the standard library of {target}: `rustup target add {target}`")
    return found


def has_library(rustc: str, target: str) -> bool:
    try:
        asked = subprocess.run([rustc, "--print", "target-libdir", "--target", target], stdout=subprocess.PIPE)
    except FileNotFoundError:
        return False
    folder = pathlib.Path(asked.stdout.decode().strip())
    return asked.returncode == 0 and any(folder.glob("libstd-*.rlib"))


def newest(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime)


def words(target: str) -> str:
    """`linux-x86_64`, `macos-aarch64`, `windows-x86_64`."""
    for mark, name in (("linux", "linux"), ("apple", "macos"), ("windows", "windows")):
        if mark in target:
            return f"{name}-{target.split('-')[0]}"
    return target


def archive(wheel: pathlib.Path, source: pathlib.Path, name: str, out: pathlib.Path) -> pathlib.Path:
    """An archive with the program of the wheel, for those without Python."""
    program, data = wheels.program(wheel)
    files = {program: data}
    for path in sorted(source.glob("LICENSE-*")) + [source / "README.md"]:
        files[path.name] = path.read_bytes()
    if "windows" in name:
        path = out / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for file, data in files.items():
                packed.writestr(f"{name}/{file}", data)
        return path
    path = out / f"{name}.tar.gz"
    time = int(project.committed_at())
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", mtime=time, fileobj=raw) as zipped:
        with tarfile.open(fileobj=zipped, mode="w") as packed:
            for file, data in files.items():
                info = tarfile.TarInfo(f"{name}/{file}")
                info.size, info.mtime, info.mode = len(data), time, 0o755 if file == program else 0o644
                packed.addfile(info, io.BytesIO(data))
    return path


if __name__ == "__main__":
    main()
