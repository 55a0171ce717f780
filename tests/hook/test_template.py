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
        code = [line for line in TEMPLATE["text"].splitlines() if line and not line.lstrip().startswith("#")]
        self.assertEqual(install.hook_command("python3")[4:], code)

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
        self.assertEqual(without_comments((site / SOURCE.name).read_text()), without_comments(TEMPLATE["text"]))
        for ending in (".pth", ".start"):
            name = SOURCE.with_suffix(ending).name
            self.assertEqual((site / name).read_text(), (SOURCE.parent / name).read_text())
        installed = list(site.rglob("jemalloc_thread*"))
        self.assertEqual(len(installed), 4, "the module, two start-up files and the compiled module")
        for path in [*installed, site / "__pycache__"]:
            self.assertTrue(path.stat().st_mode & 0o004, path)

    def test_the_module_as_a_file_installs_the_same(self):
        program = install.thin_venv(place.TARGET / "by-file", sys.executable, None, hook=False)
        file = place.TARGET / "by-file" / "copied.py"
        file.write_text(TEMPLATE["text"])
        subprocess.run([str(program), "-I", str(file)], check=True)
        site = next((place.TARGET / "by-file").glob("lib/python*/site-packages"))
        self.assertEqual((site / SOURCE.name).read_text(), TEMPLATE["text"])
        self.assertEqual(len(list(site.rglob("jemalloc_thread*"))), 4)

    def test_a_folder_that_cannot_be_written_fails_the_build(self):
        folder = place.TARGET / "in-the-way"
        program = install.thin_venv(folder, sys.executable, None, hook=False)
        site = next(folder.glob("lib/python*/site-packages"))
        site.rmdir()
        site.write_text("a file is in the way")
        done = subprocess.run(install.hook_command(str(program)), capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("FileExistsError", done.stderr)
