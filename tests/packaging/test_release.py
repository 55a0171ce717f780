"""What a release is told, and what it pushes."""

import os
import pathlib
import shutil
import unittest

import support

import project
import release

VERSION = project.package()["version"]


class Versions(support.Case):
    def setUp(self):
        super().setUp()
        for name in {name for name, _ in release.PLACES} | {"CHANGELOG.md"}:
            self.write(name, (support.ROOT / name).read_text())

    def test_stamping_changes_the_version_and_nothing_else(self):
        before = {name: (self.folder / name).read_text() for name, _ in release.PLACES}
        release.stamp("9.8.7rc1", self.folder)
        self.assertEqual({version for _, version in release.versions(self.folder)}, {"9.8.7rc1"})
        for name, text in before.items():
            self.assertNotEqual((self.folder / name).read_text(), text)
        release.stamp(VERSION, self.folder)
        self.assertEqual({name: (self.folder / name).read_text() for name in before}, before)

    def test_a_place_without_a_version_is_an_error(self):
        self.write("packaging/gitlab-ci.yml", "malloclint:\n")
        with self.assertRaises(SystemExit):
            release.versions(self.folder)

    def test_a_tag_of_another_version_is_refused(self):
        package = project.package()
        release.check(package, f"v{VERSION}")
        for tag in (VERSION, f"v{VERSION}-rc1", "v9.9.9"):
            with self.assertRaises(SystemExit):
                release.check(package, tag)
        with self.assertRaises(SystemExit):
            release.check({**package, "version": "9.9.9"}, "v9.9.9")

    def test_notes_are_the_section_of_the_version(self):
        self.write("CHANGELOG.md", "# C\n\n## [Unreleased]\n\nno\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- yes\n\n## [0.9.0]\n\n- no\n\n## [0.8.0]\n\n")
        self.assertEqual(release.notes("1.0.0", self.folder), "### Added\n\n- yes")
        self.assertEqual(release.notes("0.9.0", self.folder), "- no")
        for version in ("0.8.0", "1x0.0", "2.0.0"):
            with self.assertRaises(SystemExit):
                release.notes(version, self.folder)

    def test_requirements_have_the_hash_of_every_wheel_of_the_version(self):
        self.write("dist/malloclint-1.0.0-py3-none-a.whl", "a")
        self.write("dist/malloclint-1.0.0-py3-none-b.whl", "b")
        self.write("dist/malloclint-1.0.0.tar.gz", "c")
        self.write("dist/malloclint-0.9.0-py3-none-a.whl", "d")
        lines = release.requirements("1.0.0", self.folder / "dist").splitlines()
        self.assertTrue(lines[0].startswith("# "))
        self.assertFalse(lines[0].endswith("\\"), "a remark that goes on would swallow the version")
        self.assertEqual(lines[1:], [
            "malloclint==1.0.0 \\",
            "    --hash=sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d \\",
            "    --hash=sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ])
        with self.assertRaises(SystemExit):
            release.requirements("2.0.0", self.folder / "dist")


class Pushes(support.Case):
    def setUp(self):
        super().setUp()
        self.origin = self.folder / "origin.git"
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", self.origin)
        self.work = self.repository("work")
        self.git("remote", "add", "origin", self.origin, cwd=self.work)
        for name in ("action", "packaging", "Cargo.toml", "LICENSE-MIT", "LICENSE-APACHE", "src/lib.rs", "src/main.rs", "benches/parser.rs", "build.rs"):
            source, target = support.ROOT / name, self.work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        self.git("add", ".", cwd=self.work)
        self.git("commit", "--quiet", "--message", "one", cwd=self.work)
        self.git("push", "--quiet", "origin", "main", cwd=self.work)
        self.git("checkout", "--quiet", "--detach", cwd=self.work)

    def push(self, what, tag=f"v{VERSION}"):
        env = {**support.git_environment(), "GITHUB_REF_NAME": tag, "GITHUB_SERVER_URL": "https://example.org", "PYTHONDONTWRITEBYTECODE": "1"}
        return support.run(self.work / "packaging/push.sh", what, cwd="/", env=env)

    def test_the_action_is_a_commit_on_top_of_the_tag(self):
        self.write(f"work/dist/malloclint-{VERSION}-py3-none-a.whl", "a")
        self.push("action")
        major = f"v{VERSION.split('.')[0]}"
        tags = dict(line.split()[::-1] for line in self.git("show-ref", "--tags", cwd=self.origin).splitlines())
        self.assertEqual(set(tags), {f"refs/tags/{major}", f"refs/tags/action-v{VERSION}"})
        self.assertEqual(len(set(tags.values())), 1)
        self.assertEqual(self.git("diff", "--name-only", "main", major, cwd=self.origin), "action/requirements.txt\n")
        self.assertIn(f"malloclint=={VERSION} \\\n", self.git("show", f"{major}:action/requirements.txt", cwd=self.origin))
        # The next release moves it.
        self.git("checkout", "--quiet", "main", cwd=self.work)
        self.git("commit", "--quiet", "--allow-empty", "--message", "two", cwd=self.work)
        self.git("tag", "--delete", f"action-v{VERSION}", cwd=self.work)
        self.git("push", "--quiet", "origin", f":refs/tags/action-v{VERSION}", cwd=self.work)
        self.push("action")
        self.assertNotEqual(self.git("rev-parse", major, cwd=self.origin).strip(), tags[f"refs/tags/{major}"])

    def test_the_mirror_gets_the_hooks_and_its_tag(self):
        mirror = self.folder / "mirror.git"
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", mirror)
        self.git("clone", "--quiet", mirror, self.work / "mirror")
        self.git("checkout", "--quiet", "-B", "main", cwd=self.work / "mirror")
        self.write("work/mirror/gone", "of an older version\n")
        self.push("mirror")
        listed = self.git("ls-tree", "-r", "--name-only", "main", cwd=mirror).split()
        self.assertEqual(set(listed), {".pre-commit-hooks.yaml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "pyproject.toml"})
        self.assertEqual(self.git("rev-parse", f"v{VERSION}", cwd=mirror), self.git("rev-parse", "main", cwd=mirror))


if __name__ == "__main__":
    unittest.main()
