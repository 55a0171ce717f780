"""The template: one instruction, which installs the documented code and nothing else."""

import ast
import os
import subprocess
import sys
import tomllib
import unittest

import place
from bench.memory import install

TEMPLATE = tomllib.loads(install.HOOK.read_text())
SOURCE = install.HOOK.parent / TEMPLATE["file"]


def without_comments(text: str) -> str:
    tree = ast.parse(text)
    if ast.get_docstring(tree) is not None:
        del tree.body[0]
    return ast.dump(tree)


class Template(unittest.TestCase):
    def test_what_is_installed_is_what_is_documented(self):
        self.assertEqual(without_comments(SOURCE.read_text()), without_comments(TEMPLATE["text"]))

    def test_the_lines_need_no_escapes(self):
        self.assertNotRegex(TEMPLATE["text"], r'["\\]')
        self.assertTrue(TEMPLATE["text"].isascii())
        self.assertEqual(install.hook_command("python3")[0], "python3")
        self.assertEqual(install.hook_command("python3")[4:], TEMPLATE["text"].splitlines())

    def test_no_line_of_the_instruction_can_be_taken_for_a_comment(self):
        for line in install.hook_instruction("python3").splitlines():
            self.assertFalse(line.lstrip().startswith("#"), line)

    def test_the_instruction_installs_files_that_all_can_read(self):
        folder = place.TARGET / "installed"
        program = install.thin_venv(folder, sys.executable, None, hook=False)
        before = os.umask(0o077)
        try:
            subprocess.run(install.hook_command(str(program)), check=True)
            subprocess.run(install.hook_command(str(program)), check=True)
        finally:
            os.umask(before)
        site = next(folder.glob("lib/python*/site-packages"))
        self.assertEqual((site / SOURCE.name).read_text(), TEMPLATE["text"])
        for ending in (".pth", ".start"):
            name = SOURCE.with_suffix(ending).name
            self.assertEqual((site / name).read_text(), (SOURCE.parent / name).read_text())
        installed = list(site.rglob("jemalloc_after_fork*"))
        self.assertEqual(len(installed), 4, "the module, two start-up files and the compiled module")
        for path in [*installed, site / "__pycache__"]:
            self.assertTrue(path.stat().st_mode & 0o004, path)

    def test_a_folder_that_cannot_be_written_fails_the_build(self):
        folder = place.TARGET / "in-the-way"
        program = install.thin_venv(folder, sys.executable, None, hook=False)
        site = next(folder.glob("lib/python*/site-packages"))
        site.rmdir()
        site.write_text("a file is in the way")
        done = subprocess.run(install.hook_command(str(program)), capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("FileExistsError", done.stderr)
