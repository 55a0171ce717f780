"""The hooks for pre-commit: which files they are given, and that both forms of them are the same."""

import re
import unittest

import support


def hooks(path):
    """The text of a file of hooks, without the remark at its top."""
    text = (support.ROOT / path).read_text()
    return text[text.index("- id:") :]


class Names(unittest.TestCase):
    """`files:` lets through what the program looks for, and nothing else: a file that is named is always checked."""

    def setUp(self):
        block = re.search(r"  files: &files \|\n((?:    .*\n)+)", hooks(".pre-commit-hooks.yaml")).group(1)
        self.pattern = re.compile("\n".join(line[4:] for line in block.splitlines()))
        self.source = (support.ROOT / "src/project/names.rs").read_text()

    def taken(self, name):
        return bool(self.pattern.search(name))

    def lists(self):
        """The lists of names in the program's own test: (names, whether they are its)."""
        test = self.source[self.source.index("fn names_that_are_ours_and_names_that_are_not") :]
        for names, body in re.findall(r"for name in \[(.*?)\] \{\n\s+assert_eq!\(claim\(name\), (\w+)", test, re.DOTALL):
            yield re.findall(r'"([^"]*)"', names), body != "None"
        pairs = re.search(r"for \(name, expected\) in \[(.*?)\] \{", test, re.DOTALL).group(1)
        yield re.findall(r'\("([^"]*)"', pairs), True

    def test_the_names_of_the_programs_own_test(self):
        seen = 0
        for names, ours in self.lists():
            for name in filter(None, names):
                for path in (name, f"deep/er/{name}"):
                    self.assertEqual(self.taken(path), ours, path)
                    seen += 1
        self.assertGreater(seen, 60)

    def test_endings_of_files_that_are_about_dockerfiles(self):
        block = re.search(r"const OTHERS: .*? = \[(.*?)\];", self.source, re.DOTALL).group(1)
        endings = set(re.findall(r'"([a-z]+)"', block))
        self.assertIn("dockerignore", endings)
        for ending in endings - {"yaml", "yml"}:
            for name in (f"Dockerfile.{ending}", f"api.dockerfile.{ending}", f"CONTAINERFILE.{ending.upper()}"):
                self.assertFalse(self.taken(name), name)
        for ending in ("yaml", "yml"):
            self.assertTrue(self.taken(f"Dockerfile.{ending}"))

    def test_folders_count_for_nothing(self):
        for path in ("dockerfile/readme", "Dockerfile.d/x", "x.yaml/y", "kustomization/y", "a.dockerfile/main.c"):
            self.assertFalse(self.taken(path), path)
        self.assertTrue(self.taken("a.md/Dockerfile"))
        self.assertTrue(self.taken("base/kustomization"))
        self.assertTrue(self.taken("base/Kustomization.YAML"))


class Both(unittest.TestCase):
    def test_the_repository_for_pre_commit_has_the_same_hooks(self):
        self.assertEqual(hooks(".pre-commit-hooks.yaml"), hooks("packaging/pre-commit/.pre-commit-hooks.yaml"))

    def test_the_ids_are_those_that_people_write(self):
        self.assertEqual(re.findall(r"- id: (\S+)", hooks(".pre-commit-hooks.yaml")), ["malloclint", "malloclint-fix"])


if __name__ == "__main__":
    unittest.main()
