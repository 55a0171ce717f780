"""How packages are built: what is compiled of build.rs, and what is done to a wheel."""

import os
import pathlib
import re
import shutil
import unittest
import zipfile

import support

import build
import wheels


class Commit(support.Case):
    """build.rs, compiled by itself and run as Cargo runs it."""

    @classmethod
    def setUpClass(cls):
        cls.script = build.target_folder() / "packaging" / "build-script"
        cls.script.parent.mkdir(parents=True, exist_ok=True)
        support.run("rustc", "--edition", "2024", "-o", cls.script, support.ROOT / "build.rs")

    def told(self, root, profile="release", **more):
        env = {name: value for name, value in support.git_environment().items() if name != "MALLOCLINT_COMMIT"}
        env.update({"CARGO_MANIFEST_DIR": str(root), "CARGO_PKG_VERSION": "1.2.3", "PROFILE": profile, **more})
        lines = support.run(self.script, cwd=root, env=env).text.splitlines()
        version = [line.split("=", 1)[1] for line in lines if line.startswith("cargo:rustc-env=MALLOCLINT_LONG_VERSION=")]
        watched = [line.split("=", 1)[1] for line in lines if line.startswith("cargo:rerun-if-changed=")]
        return version[0].split("=", 1)[1], [pathlib.Path(path) for path in watched if path != "build.rs"]

    def committed(self, name="work"):
        work = self.repository(name)
        self.git("commit", "--quiet", "--allow-empty", "--message", "one", cwd=work)
        return work, self.git("rev-parse", "HEAD", cwd=work).strip()

    def test_a_release_has_the_commit_of_its_checkout(self):
        work, commit = self.committed()
        version, watched = self.told(work)
        self.assertEqual(version, f"1.2.3 ({commit[:12]})")
        # Cargo builds every time for the sake of a file that is missing.
        self.assertTrue(watched and all(path.is_file() for path in watched), watched)

    def test_what_is_watched_changes_with_every_commit_and_branch(self):
        work, _ = self.committed()
        self.git("pack-refs", "--all", cwd=work)
        for arguments in (["commit", "--quiet", "--allow-empty", "--message", "two"], ["checkout", "--quiet", "-b", "other"]):
            _, watched = self.told(work)
            before = {path: path.read_bytes() for path in watched}
            self.git(*arguments, cwd=work)
            self.assertNotEqual({path: path.read_bytes() for path in watched}, before, arguments)

    def test_a_worktree_and_a_bare_head_have_theirs(self):
        work, _ = self.committed()
        self.git("commit", "--quiet", "--allow-empty", "--message", "two", cwd=work)
        self.git("worktree", "add", "--quiet", "--detach", self.folder / "beside", "HEAD~1", cwd=work)
        commit = self.git("rev-parse", "HEAD~1", cwd=work).strip()
        version, watched = self.told(self.folder / "beside")
        self.assertEqual(version, f"1.2.3 ({commit[:12]})")
        self.assertTrue(watched and all(path.is_file() for path in watched), watched)

    def test_sources_in_somebody_elses_checkout_have_none(self):
        work, _ = self.committed()
        (work / "vendor/malloclint").mkdir(parents=True)
        self.assertEqual(self.told(work / "vendor/malloclint"), ("1.2.3", []))

    def test_git_of_a_hook_that_runs_elsewhere_is_not_asked(self):
        work, commit = self.committed()
        other, _ = self.committed("other")
        self.git("commit", "--quiet", "--allow-empty", "--message", "two", cwd=other)
        version, _ = self.told(work, GIT_DIR=str(other / ".git"), GIT_WORK_TREE=str(other))
        self.assertEqual(version, f"1.2.3 ({commit[:12]})")

    def test_a_crate_has_the_commit_that_cargo_noted(self):
        self.write(".cargo_vcs_info.json", '{\n  "git": {\n    "sha1": "0123456789abcdef0123456789abcdef01234567"\n  },\n  "path_in_vcs": ""\n}')
        self.assertEqual(self.told(self.folder), ("1.2.3 (0123456789ab)", []))
        self.write(".cargo_vcs_info.json", '{"git": {"sha1": ')
        self.assertEqual(self.told(self.folder)[0], "1.2.3")

    def test_the_environment_counts_more_and_in_every_profile(self):
        work, _ = self.committed()
        self.assertEqual(self.told(work, "debug", MALLOCLINT_COMMIT="fedcba9876543210")[0], "1.2.3 (fedcba987654)")
        self.assertEqual(self.told(work, MALLOCLINT_COMMIT="fedcba9")[0], "1.2.3 (fedcba9)")
        for none in ("", "main", "abc", "fedcba9\nx"):
            self.assertEqual(self.told(work, MALLOCLINT_COMMIT=none)[0], "1.2.3", none)

    def test_while_developing_there_is_none_and_nothing_is_watched(self):
        work, _ = self.committed()
        self.assertEqual(self.told(work, "debug"), ("1.2.3", []))

    def test_without_git_there_is_none(self):
        work, _ = self.committed()
        self.assertEqual(self.told(work, PATH=str(self.folder)), ("1.2.3", []))


class Wheels(support.Case):
    def wheel(self):
        path = self.folder / "p-1-py3-none-manylinux_2_17_x86_64.whl"
        with zipfile.ZipFile(path, "w") as archive:
            info = zipfile.ZipInfo("p-1.data/scripts/p")
            info.external_attr = 0o100755 << 16
            archive.writestr(info, b"\x7fELF")
            archive.writestr("p-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-manylinux_2_17_x86_64\n")
            archive.writestr("p-1.dist-info/RECORD", "p-1.data/scripts/p,,\np-1.dist-info/RECORD,,\n")
        return path

    def test_a_platform_is_added_in_the_name_and_inside(self):
        path = wheels.add_platform(self.wheel(), "musllinux_1_1_x86_64")
        self.assertEqual([file.name for file in self.folder.iterdir()], ["p-1-py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64.whl"])
        with zipfile.ZipFile(path) as archive:
            self.assertEqual(archive.read("p-1.dist-info/WHEEL").decode().split("\n")[1:], [
                "Tag: py3-none-manylinux_2_17_x86_64", "Tag: py3-none-musllinux_1_1_x86_64", "",
            ])
            record = archive.read("p-1.dist-info/RECORD").decode().splitlines()
            self.assertRegex(record[0], r"^p-1.data/scripts/p,sha256=[\w-]{43},4$")
            self.assertRegex(record[1], r"^p-1.dist-info/WHEEL,sha256=[\w-]{43},\d+$")
            self.assertEqual(record[2:], ["p-1.dist-info/RECORD,,"])
            self.assertEqual(archive.getinfo("p-1.data/scripts/p").external_attr >> 16, 0o100755)
        self.assertEqual(wheels.add_platform(path, "musllinux_1_1_x86_64"), path)
        self.assertEqual(wheels.program(path), ("p", b"\x7fELF"))

    def test_sources_that_are_the_same_keep_their_time(self):
        build.write(self.folder, {"a/b": b"1", "c": b"2"})
        os.utime(self.folder / "a/b", (1, 1))
        os.utime(self.folder / "c", (1, 1))
        self.write("old", "")
        build.write(self.folder, {"a/b": b"1", "c": b"3"})
        self.assertEqual((self.folder / "a/b").stat().st_mtime, 1)
        self.assertGreater((self.folder / "c").stat().st_mtime, 1, "Cargo would not compile it anew")
        self.assertFalse((self.folder / "old").exists())

    def test_names_for_people(self):
        for target, words in [
            ("x86_64-unknown-linux-gnu", "linux-x86_64"),
            ("aarch64-apple-darwin", "macos-aarch64"),
            ("x86_64-pc-windows-msvc", "windows-x86_64"),
        ]:
            self.assertEqual(build.words(target), words)


if __name__ == "__main__":
    unittest.main()
