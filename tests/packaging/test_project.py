"""What is said in several places is the same in all of them."""

import pathlib
import re
import unittest

import support

import project
import readme
import release

PACKAGE = project.package()
VERSION, REPOSITORY = PACKAGE["version"], PACKAGE["repository"]


def tracked():
    """The text files that Git knows, or would."""
    for name in support.run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").text.split("\0"):
        path = support.ROOT / name
        if name and path.is_file():
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


class Address(unittest.TestCase):
    # Examples that people copy: what reads them takes nothing shorter.
    COPIED = {
        "README.md": [r"^  - repo: {address}-pre-commit$", r"^  - uses: {slug}@v\d+$", r"--repo {slug}`"],
        "packaging/pre-commit/README.md": [r"^  - repo: {address}-pre-commit$"],
    }

    def test_the_address_stands_in_cargo_toml_and_in_examples_to_copy(self):
        slug = project.slug()
        self.assertRegex(REPOSITORY, rf"^https://github\.com/{slug}$")
        self.assertEqual(slug.count("/"), 1)
        stands = {}
        for name, text in tracked():
            # What the program prints, which asks Cargo.toml: another test holds the two together.
            if name.startswith("tests/cli/"):
                continue
            for pattern in self.COPIED.get(name, []):
                pattern = pattern.format(address=re.escape(REPOSITORY), slug=re.escape(slug))
                text, count = re.subn(pattern, "", text, flags=re.MULTILINE)
                self.assertGreater(count, 0, f"{name} has no {pattern}: the example says another address, or none")
            count = len(re.findall(re.escape(slug), text, re.IGNORECASE))
            if count:
                stands[name] = count
        self.assertEqual(stands, {"Cargo.toml": 1})

    def test_no_index_is_set_up(self):
        for name, text in tracked():
            if name.startswith(("packaging/", "action", ".github/", "Makefile", "pyproject", ".pre-commit")):
                self.assertNotRegex(text, r"index-url|find-links http", name)


class Versions(unittest.TestCase):
    def test_every_place_says_the_version_of_cargo_toml(self):
        for name, version in release.versions():
            self.assertEqual(version, VERSION, f"{name}: run `packaging/release.py stamp`")

    def test_the_action_is_asked_for_by_the_tag_that_a_release_moves(self):
        for tag in re.findall(rf"{project.slug()}@(\S+)", (support.ROOT / "README.md").read_text()):
            self.assertEqual(tag, f"v{VERSION.split('.')[0]}")

    def test_the_action_pins_no_other_version(self):
        pinned = re.findall(r"^malloclint==(\S+)", (support.ROOT / "action/requirements.txt").read_text(), re.MULTILINE)
        self.assertIn(pinned, ([], [VERSION]))

    def test_pyproject_says_the_licence_of_cargo_toml(self):
        text = (support.ROOT / "pyproject.toml").read_text()
        self.assertIn(f'license = "{PACKAGE["license"]}"', text)
        self.assertNotRegex(text, r"(?m)^version =")


class Workflows(unittest.TestCase):
    def setUp(self):
        self.texts = {path.name: path.read_text() for path in (support.ROOT / ".github/workflows").glob("*.yml")}
        self.texts["action.yml"] = (support.ROOT / "action.yml").read_text()

    def test_actions_of_others_are_pinned_to_a_commit_with_its_version(self):
        seen = {}
        for name, text in self.texts.items():
            for uses in re.findall(r"uses: (.+)", text):
                if uses.startswith("./"):
                    continue
                self.assertRegex(uses, r"^[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", name)
                action, pin = uses.split("@", 1)
                self.assertEqual(seen.setdefault(action, pin), pin, f"{action} is pinned twice")
        self.assertGreater(len(seen), 5)

    def test_every_job_has_a_limit_and_its_own_permissions(self):
        for name, text in self.texts.items():
            if name == "action.yml":
                continue
            self.assertIn("\npermissions: {}\n", text, name)
            for job in re.split(r"\n  (?=[a-z-]+:\n)", text.split("\njobs:\n")[1]):
                self.assertIn("permissions:", job)
                if "uses: ./" not in job:
                    self.assertIn("timeout-minutes:", job)

    def test_no_expression_stands_in_a_script(self):
        for name, text in self.texts.items():
            for script in re.findall(r"run: (\|(?:\n {10,}.*)+|.*)", text):
                self.assertNotIn("${{", script, name)

    def test_a_release_moves_no_tag_that_starts_another(self):
        pattern = re.search(r'tags: \["(.+)"\]', self.texts["release.yml"]).group(1)
        # `*` and `+` as GitHub reads them.
        expression = re.sub(r"\\\*", ".*", re.sub(r"\\\.", ".", re.escape(pattern))).replace(r"\[", "[").replace(r"\]", "]")
        expression = expression.replace(r"\-", "-").replace(r"\+", "+")
        self.assertRegex(f"v{VERSION}", f"^{expression}$")
        self.assertNotRegex(f"v{VERSION.split('.')[0]}", f"^{expression}$")
        self.assertNotRegex(f"action-v{VERSION}", f"^{expression}$")


class Readme(unittest.TestCase):
    def test_a_registry_gets_links_that_lead_to_the_repository(self):
        text = readme.absolute((support.ROOT / "README.md").read_text(), REPOSITORY, f"v{VERSION}")
        prose = re.sub(r"(?ms)^```.*?^```$", "", text)
        targets = re.findall(r"\]\(([^)]+)\)", prose)
        self.assertGreater(len(targets), 50)
        ours = 0
        for target in targets:
            self.assertTrue(target.startswith(("https://", "#")), target)
            if target.startswith(REPOSITORY):
                kind, ref, path = target[len(REPOSITORY) + 1 :].split("/", 2)
                self.assertIn(kind, ("blob", "raw"))
                self.assertEqual(ref, f"v{VERSION}")
                self.assertTrue((support.ROOT / re.split(r"[#?]", path)[0]).exists(), path)
                ours += 1
        self.assertGreater(ours, 45)

    def test_shapes_of_links(self):
        for text, wanted in [
            ("[a](b.md)", "[a](R/blob/v1/b.md)"),
            ("[a](b.md#c) and [`d`](e)", "[a](R/blob/v1/b.md#c) and [`d`](R/blob/v1/e)"),
            ("broken\nlink](b.md)", "broken\nlink](R/blob/v1/b.md)"),
            ("![p](b.svg)", "![p](R/raw/v1/b.svg?sanitize=true)"),
            ("![p](b.png) [q](c.svg)", "![p](R/raw/v1/b.png) [q](R/blob/v1/c.svg)"),
            ("[a](#b) [c](https://d) [e](mailto:f@g)", "[a](#b) [c](https://d) [e](mailto:f@g)"),
            ("```\n[a](b)\n```\n[a](b)", "```\n[a](b)\n```\n[a](R/blob/v1/b)"),
        ]:
            self.assertEqual(readme.absolute(text, "R/", "v1"), wanted)


class Files(unittest.TestCase):
    def test_the_crate_holds_what_it_is_built_from(self):
        listed = set(support.run("cargo", "package", "--locked", "--allow-dirty", "--no-verify", "--list").text.split("\n"))
        for name in ("Cargo.toml", "Cargo.lock", "build.rs", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "src/main.rs"):
            self.assertIn(name, listed)
        # Nothing that is read into the program at build time is left behind.
        for source in (support.ROOT / "src").rglob("*.rs"):
            for target in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', source.read_text()):
                path = (source.parent / target).resolve().relative_to(support.ROOT.resolve())
                self.assertIn(path.as_posix(), listed, source)
        for name in filter(None, listed):
            first = pathlib.PurePath(name).parts[0]
            self.assertNotIn(first, ("tests", "target", "dist", "bench", "benches", "fuzz", ".github", "packaging", "action"))

    def test_what_the_registry_shows_is_complete(self):
        for field in ("description", "license", "readme", "repository", "rust_version"):
            self.assertTrue(PACKAGE[field], field)
        self.assertLessEqual(len(PACKAGE["keywords"]), 5)
        self.assertTrue(all(len(word) <= 20 for word in PACKAGE["keywords"]))
        self.assertTrue(PACKAGE["categories"])


if __name__ == "__main__":
    unittest.main()
