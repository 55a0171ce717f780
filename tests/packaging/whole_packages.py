"""The packages as their users get them: installed, and run where there is nothing else."""

import email
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile

import support

import build
import built
import project
import wheels

LINUX = sys.platform == "linux"
ROOT_USER = LINUX and os.geteuid() == 0


def installed(folder: pathlib.Path, *what: object, python: str = sys.executable) -> pathlib.Path:
    """A fresh environment with that in it; gives the program."""
    support.run(python, "-m", "venv", folder)
    support.run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", *what, env=built.environment())
    return folder / "bin/malloclint"


class Wheel(support.Case):
    def test_it_is_installed_and_says_its_version_and_commit(self):
        program = installed(self.folder / "venv", "malloclint")
        self.assertEqual(support.run(program, "-V").text, f"malloclint {built.VERSION}\n")
        self.assertEqual(support.run(program, "--version").text, f"malloclint {built.VERSION} ({project.commit()[:12]})\n")
        self.write("Dockerfile", support.WRONG)
        self.assertIn("preload-wrong-path", support.run(program, "check", self.folder, code=1).text)
        support.run(program, "fix", self.folder)
        support.run(program, "check", self.folder)

    def setUp(self):
        super().setUp()
        built.wheel()

    def test_every_python_that_is_here_installs_it(self):
        tried = []
        for minor in range(7, 16):
            python = shutil.which(f"python3.{minor}")
            # A shim may stand for a version that is not switched on.
            if python and subprocess.run([python, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL).returncode == 0:
                program = installed(self.folder / f"3.{minor}", "malloclint", python=python)
                support.run(program, "--version")
                tried.append(f"3.{minor}")
        print(f"\n  installed with Python {', '.join(tried) or sys.version.split()[0]}", file=sys.stderr)

    @unittest.skipUnless(LINUX, "static programs are for Linux")
    def test_it_asks_for_no_library(self):
        machine = platform.machine()
        name = built.wheel().name
        for tag in (f"manylinux_2_17_{machine}", f"manylinux2014_{machine}", f"musllinux_1_1_{machine}"):
            self.assertIn(tag, name)
        _, program = wheels.program(built.wheel())
        self.assertEqual(program[:4], b"\x7fELF")
        # Program headers of a 64-bit file: 2 is what the loader needs to know, 3 names a loader.
        start, size, count = (int.from_bytes(program[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58)))
        headers = [program[start + number * size :][:size] for number in range(count)]
        kinds = [int.from_bytes(header[:4], "little") for header in headers]
        self.assertNotIn(3, kinds, "it names a loader")
        for header, kind in zip(headers, kinds):
            if kind == 2:
                at, length = (int.from_bytes(header[a:b], "little") for a, b in ((8, 16), (32, 40)))
                tags = [int.from_bytes(program[at + n :][:8], "little") for n in range(0, length, 16)]
                self.assertNotIn(1, tags[: tags.index(0)], "it needs a library")

    @unittest.skipUnless(LINUX, "the tags are for Linux")
    def test_pip_takes_it_for_debian_and_for_alpine(self):
        machine = platform.machine()
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-index", "--no-deps", "--only-binary", ":all:"]
        for tags, code in [
            (["manylinux_2_31", "manylinux_2_17"], 0),
            (["musllinux_1_2", "musllinux_1_1"], 0),
            (["manylinux_2_12", "musllinux_1_0"], 1),
        ]:
            platforms = [word for tag in tags for word in ("--platform", f"{tag}_{machine}")]
            support.run(*pip, *platforms, "--dest", self.folder, "malloclint", env=built.environment(), code=code)

    def test_what_the_registry_shows(self):
        with zipfile.ZipFile(built.wheel()) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            shown = email.message_from_bytes(archive.read(name))
            names = archive.namelist()
        package = project.package()
        self.assertEqual((shown["Name"], shown["Version"]), ("malloclint", built.VERSION))
        self.assertEqual(shown["License-Expression"], package["license"])
        self.assertEqual(shown["Summary"], package["description"])
        self.assertIn(package["repository"], shown["Project-URL"])
        self.assertIn("text/markdown", shown["Description-Content-Type"])
        text = shown.get_payload()
        self.assertIn("# malloclint", text)
        self.assertNotIn("](rules/", text)
        self.assertIn(f"]({package['repository']}/blob/v{built.VERSION}/rules/", text)
        self.assertEqual(sum("licenses/LICENSE-" in name for name in names), 2)


class SourcePackage(support.Case):
    def test_it_has_what_it_is_built_from_and_nothing_else(self):
        with tarfile.open(built.sdist()) as archive:
            names = {name.split("/", 1)[1] for name in archive.getnames()}
        for name in ("pyproject.toml", "PKG-INFO", "Cargo.toml", "Cargo.lock", "build.rs", "README.md", "src/main.rs", "LICENSE-MIT"):
            self.assertIn(name, names)
        tops = {name.split("/")[0] for name in names}
        self.assertFalse(tops & {"tests", "target", "dist", "packaging", "fuzz", "bench", ".git"}, tops)

    def test_it_can_be_built(self):
        # Not as a release is: that takes minutes, and shows no more about what is in it.
        env = built.environment(MATURIN_PEP517_ARGS="--profile dev", CARGO_TARGET_DIR=str(build.target_folder()))
        support.run(sys.executable, "-m", "venv", self.folder / "venv")
        support.run(self.folder / "venv/bin/python", "-m", "pip", "install", "--quiet", built.sdist(), env=env)
        # It lies in nobody's checkout: no commit is made up.
        self.assertEqual(support.run(self.folder / "venv/bin/malloclint", "--version").text, f"malloclint {built.VERSION}\n")


@unittest.skipUnless(ROOT_USER, "needs root, for chroot")
class Roots(support.Case):
    """The program in a root that has nothing else, or another C library."""

    def setUp(self):
        super().setUp()
        with tarfile.open(built.binary()) as archive:
            top = archive.getnames()[0].split("/")[0]
            self.assertEqual(top, f"malloclint-{built.VERSION}-linux-{platform.machine()}")
            self.program = archive.extractfile(f"{top}/malloclint").read()
            self.assertEqual({name.split("/")[1] for name in archive.getnames()}, {"malloclint", "LICENSE-MIT", "LICENSE-APACHE", "README.md"})
        self.write("work/Dockerfile", support.WRONG)
        path = self.folder / "malloclint"
        path.write_bytes(self.program)
        path.chmod(0o755)

    def use(self):
        self.assertIn(f"malloclint {built.VERSION} (", support.run("chroot", self.folder, "/malloclint", "--version").text)
        self.assertIn("preload-wrong-path", support.run("chroot", self.folder, "/malloclint", "check", "/work", code=1).text)
        self.assertIn("+ENV LD_PRELOAD=libjemalloc.so.2", support.run("chroot", self.folder, "/malloclint", "fix", "--diff", "/work", code=1).text)
        support.run("chroot", self.folder, "/malloclint", "fix", "/work")
        support.run("chroot", self.folder, "/malloclint", "check", "/work")
        self.assertIn("ENV LD_PRELOAD=libjemalloc.so.2", (self.folder / "work/Dockerfile").read_text())

    def test_a_root_with_nothing_else(self):
        self.use()

    def test_a_root_with_musl_and_busybox(self):
        """What Alpine is made of, as Debian packs it."""
        if not shutil.which("apt-get"):
            self.skipTest("needs apt-get, for the packages musl and busybox-static")
        self.write("debs/none", "")
        for package in ("musl", "busybox-static"):
            done = subprocess.run(["apt-get", "download", package], cwd=self.folder / "debs", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                self.skipTest(f"{package} could not be downloaded")
        for deb in (self.folder / "debs").glob("*.deb"):
            support.run("dpkg-deb", "--extract", deb, self.folder)
        self.assertEqual(list(self.folder.rglob("libc.so.6")), [])
        loader = next(self.folder.glob("lib/ld-musl-*.so.1")).relative_to(self.folder)
        self.assertIn("musl libc", support.run("chroot", self.folder, f"/{loader}", code=1).text)
        out = support.run("chroot", self.folder, "/bin/busybox", "sh", "-c", "/malloclint check /work || echo it ended with $?").text
        self.assertIn("it ended with 1", out)
        self.use()


@unittest.skipUnless(LINUX and platform.machine() == "x86_64", "is built across on Linux, x86_64")
class OtherMachine(support.Case):
    def test_the_wheel_for_arm64_runs(self):
        if not shutil.which("aarch64-linux-gnu-gcc") or not any(build.has_library(rustc, "aarch64-unknown-linux-gnu") for rustc in ("rustc", "/usr/bin/rustc")):
            self.skipTest("no cross compiler for arm64 is installed (CONTRIBUTING.md)")
        qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
        if not qemu:
            self.skipTest("qemu-user is not installed")
        wheel = built.wheel_arm64()
        for tag in ("manylinux_2_17_aarch64", "musllinux_1_1_aarch64"):
            self.assertIn(tag, wheel.name)
        _, program = wheels.program(wheel)
        self.assertEqual(int.from_bytes(program[18:20], "little"), 183, "it is no program for arm64")
        path = self.folder / "malloclint"
        path.write_bytes(program)
        path.chmod(0o755)
        self.write("work/Dockerfile", support.WRONG)
        # `-L` into an empty folder: no library of that machine is there to be found.
        emulated = [qemu, "-L", self.folder / "work", path]
        self.assertIn(f"malloclint {built.VERSION} (", support.run(*emulated, "--version").text)
        self.assertIn("preload-wrong-path", support.run(*emulated, "check", self.folder / "work", code=1).text)
        support.run(*emulated, "fix", self.folder / "work")
        support.run(*emulated, "check", self.folder / "work")


if __name__ == "__main__":
    unittest.main()
