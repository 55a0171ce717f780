"""The steps of the GitHub Action, each run as the runner runs it, with a stand-in for the program."""

import os
import re
import unittest

import support

TAMED = "::warning::gotcha"


class Steps(support.Case):
    def setUp(self):
        super().setUp()
        self.runner = support.Runner(self.folder)
        self.log = self.folder / "asked"
        self.runner.env["STAND_IN_LOG"] = str(self.log)
        self.runner.env["PATH"] = f"{support.HERE / 'stand-in'}{os.pathsep}{os.environ['PATH']}"

    def file(self, name, text):
        return self.write(f"workspace/{name}", text)

    def check(self, code=0, **inputs):
        return self.runner.step("check", code, **inputs).text

    def asked(self):
        return support.asked(self.log)[-1]

    def test_findings_are_counted_and_the_step_itself_does_not_fail(self):
        self.file("Dockerfile", "FROM a\nBAD\nBAD\nUGLY\n")
        log = self.check()
        outputs = self.runner.outputs()
        self.assertEqual((outputs["findings"], outputs["errors"], outputs["fixable"], outputs["code"]), ("3", "2", "2", "1"))
        self.assertEqual((outputs["sarif-file"], outputs["rdjson-file"]), ("", ""))
        self.assertIn("Dockerfile:2", log)
        self.assertEqual(self.runner.summary(), "", "nobody asked for one")

    def test_one_run_writes_every_report(self):
        self.file("Dockerfile", "BAD\n")
        log = self.check(annotations="true", summary="true", sarif="out/a b.sarif", fix="suggest", fail_on="error")
        self.assertEqual(len(support.asked(self.log)), 1)
        self.assertEqual(support.orders(log), ["::error file=Dockerfile,line=1::it is so"])
        self.assertEqual(self.runner.summary(), "| 1 findings |\n\n")
        outputs = self.runner.outputs()
        self.assertEqual(outputs["sarif-file"], "out/a b.sarif")
        self.assertIn("2.1.0", (self.runner.workspace / "out/a b.sarif").read_text())
        with open(outputs["rdjson-file"]) as file:
            self.assertIn("diagnostics", file.read())
        self.assertIn("--fail-on=error", self.asked())

    def test_what_makes_the_job_fail_is_left_to_the_configuration(self):
        self.file("Dockerfile", "BAD\n")
        self.check()
        self.runner.step("fix", fix="diff", fail_on="info")
        check, fix = support.asked(self.log)
        self.assertFalse([word for word in check if word.startswith("--fail-on")])
        self.assertIn("--fail-on=info", fix)

    def test_what_a_file_says_is_no_order_to_the_runner(self):
        self.file("Dockerfile", f"BAD\n{TAMED}\n   {TAMED} BAD\n")
        log = self.check(fix="diff") + self.runner.step("fix", fix="diff", summary="true").text
        self.assertEqual(log.count(TAMED), 4, "it is shown: as found, and unchanged, old and new in the diff")
        self.assertEqual(support.orders(log), [])

    def test_inputs_reach_no_shell(self):
        self.file("a $(touch x) `touch x`;touch x", "BAD\n")
        self.check(paths="a $(touch x) `touch x`;touch x", args="--one 'two words' $(touch x)")
        words = self.asked()
        self.assertEqual(words[-1], "a $(touch x) `touch x`;touch x")
        self.assertIn("two words", words)
        self.assertIn("$(touch", words)
        self.assertEqual(sorted(path.name for path in self.runner.workspace.iterdir()), ["a $(touch x) `touch x`;touch x"])

    def test_a_path_is_never_taken_for_an_option(self):
        self.file("--format", "BAD\n")
        self.check(paths="--format")
        self.assertEqual(self.asked()[-2:], ["--", "--format"])

    def test_paths_are_those_of_the_repository_in_whatever_folder(self):
        self.file("services/api/Dockerfile", "BAD\n")
        self.file("services/web/Dockerfile", "BAD\n")
        self.check(working_directory="services", paths="api\n\n  ./web/Dockerfile  \n")
        self.assertEqual(self.asked()[-2:], ["services/api", "services/web/Dockerfile"])
        self.check(working_directory="services/api")
        self.assertEqual(self.asked()[-1], "services/api")
        self.assertEqual(self.runner.outputs()["findings"], "1")

    def test_mistakes_are_said_and_end_the_job(self):
        for inputs, words in [
            ({"working_directory": "nowhere"}, "nowhere"),
            ({"fix": "all"}, "none, diff, commit, suggest"),
            ({"annotations": "yes"}, "takes `true` or `false`"),
        ]:
            log = self.check(code=2, **inputs)
            self.assertIn(words, support.orders(log)[0])
            self.assertTrue(support.orders(log)[0].startswith("::error::"))

    def test_trouble_is_no_finding(self):
        self.check(paths="nowhere")
        self.assertEqual(self.runner.outputs()["code"], "2")
        self.assertIn("could not do all", self.verdict(2, check="2"))
        self.runner.env["STAND_IN_CODE"] = "101"
        log = self.check(code=2)
        self.assertIn("ended with 101", log)
        self.assertIn("panicked", log)

    def test_the_program_is_missing(self):
        self.runner.env["PATH"] = "/usr/bin:/bin"
        if any(os.access(f"{folder}/malloclint", os.X_OK) for folder in ("/usr/bin", "/bin")):
            self.skipTest("malloclint is installed for all")
        self.assertIn("is not on PATH", self.check(code=2))

    def verdict(self, code, check="0", fix="", mode="none"):
        self.runner.env.update(CHECK_CODE=check, FIX_CODE=fix)
        return self.runner.step("verdict", code, fix=mode).text

    def test_the_verdict_is_of_what_was_found_or_of_what_is_left(self):
        self.verdict(0, check="0")
        self.verdict(1, check="1")
        self.verdict(1, check="1", fix="0", mode="diff")
        self.verdict(0, check="1", fix="0", mode="commit")
        self.verdict(1, check="1", fix="1", mode="commit")
        self.verdict(2, check="1", fix="2", mode="commit")

    def test_a_diff_is_shown_and_kept(self):
        text = "````\nBAD\n"
        self.file("Dockerfile", text)
        self.runner.step("fix", fix="diff", summary="true")
        with open(self.runner.outputs()["diff-file"]) as file:
            self.assertTrue(file.read().startswith("--- a/Dockerfile\n"))
        self.assertIn("`````diff\n--- a/Dockerfile", self.runner.summary())
        self.assertEqual((self.runner.workspace / "Dockerfile").read_text(), text, "nothing is written")

    def test_a_summary_is_no_longer_than_the_runner_takes(self):
        self.file("Dockerfile", "BAD\n" + "€" * 700_000 + "\n")
        self.runner.step("fix", fix="diff", summary="true")
        self.assertLess(len(self.runner.summary().encode()), 1024 * 1024)
        self.assertIn("left out", self.runner.summary())

    def hosted(self, text="BAD\n"):
        """A checkout of a repository that takes pushes."""
        origin = self.folder / "origin.git"
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", origin)
        work = self.runner.workspace
        self.git("init", "--quiet", "--initial-branch", "main", cwd=work)
        self.git("remote", "add", "origin", origin, cwd=work)
        self.file("a/Dockerfile [1]", text)
        self.file("a/Dockerfile 1", "FROM b\n")
        self.git("add", ".", cwd=work)
        self.git("commit", "--quiet", "--message", "one", cwd=work)
        self.git("push", "--quiet", "origin", "main", cwd=work)
        return origin

    def test_fixes_are_committed_and_pushed_and_nothing_else_is(self):
        origin = self.hosted()
        self.file("a/Dockerfile 1", "FROM c\n")
        self.file("new", "x\n")
        log = self.runner.step("fix", fix="commit", working_directory="a").text
        self.assertEqual(self.git("show", "main:a/Dockerfile [1]", cwd=origin), "GOOD\n")
        self.assertEqual(self.git("show", "main:a/Dockerfile 1", cwd=origin), "FROM b\n")
        self.assertEqual(self.git("log", "--format=%an: %s", "main", cwd=origin).splitlines()[0], "github-actions[bot]: Fix memory-allocator settings")
        self.assertEqual(self.git("diff", "--name-only", "main~1", "main", cwd=origin), "a/Dockerfile [1]\n")
        self.assertIn("committed fixes of 1 file to main", log)
        self.assertEqual(self.runner.outputs()["code"], "0")

    def test_nothing_to_fix_is_no_commit(self):
        origin = self.hosted("fine\n")
        self.runner.step("fix", fix="commit")
        self.assertEqual(self.git("rev-list", "--count", "main", cwd=origin), "1\n")

    def test_a_file_that_another_step_changed_is_not_committed(self):
        origin = self.hosted()
        self.file("a/Dockerfile [1]", "BAD\nmore\n")
        log = self.runner.step("fix", 2, fix="commit").text
        self.assertIn("other steps had changed them", log)
        self.assertEqual(self.git("rev-list", "--count", "main", cwd=origin), "1\n")

    def test_a_commit_needs_a_branch(self):
        self.hosted()
        self.git("checkout", "--quiet", "--detach", cwd=self.runner.workspace)
        log = self.runner.step("fix", 2, fix="commit").text
        self.assertIn("needs a branch", support.orders(log)[0])
        self.assertEqual(support.asked(self.log), [], "nothing was changed either")

    def test_a_push_that_is_refused_is_said(self):
        self.hosted()
        self.write("origin.git/hooks/pre-receive", "#!/bin/sh\necho not you\nexit 1\n", 0o755)
        log = self.runner.step("fix", 2, fix="commit").text
        self.assertIn("permissions: contents: write", log)
        self.assertIn("not you", log)


class Installing(support.Case):
    def setUp(self):
        super().setUp()
        self.runner = support.Runner(self.folder)

    def test_without_a_release_it_says_what_to_do(self):
        text = (support.ROOT / "action" / "requirements.txt").read_text()
        if "malloclint==" in text:
            self.skipTest("this commit is that of a release")
        log = self.runner.step("install", 2).text
        self.assertIn("use the tag `v0`", support.orders(log)[0])

    def test_a_version_is_a_version(self):
        for version in ("--index-url=http://x", "1.0; echo", "latest", "1.0 other"):
            log = self.runner.step("install", 2, version=version).text
            self.assertIn("is no version", support.orders(log)[0], version)
        self.assertEqual(self.runner.paths(), [])


class Wiring(unittest.TestCase):
    """action.yml hands on what the scripts read."""

    def setUp(self):
        self.text = (support.ROOT / "action.yml").read_text()

    def test_every_input_is_declared_and_read(self):
        declared = set(re.findall(r"^  ([a-z-]+):\n    description", self.text.split("\noutputs:")[0], re.MULTILINE))
        handed = set(re.findall(r"INPUT_\w+: \$\{\{ inputs\.([a-z-]+) \}\}", self.text))
        self.assertEqual(declared, handed)
        read = set()
        for script in (support.ROOT / "action").glob("*.py"):
            code = script.read_text()
            read |= set(re.findall(r'(?:given|switched_on)\("([a-z-]+)"', code))
        self.assertEqual(declared, read)

    def test_each_step_gets_the_inputs_that_its_script_reads(self):
        shared = {"paths": {"paths", "working-directory"}, "limit": {"fail-on"}}
        for script, block in re.findall(r"run\.sh\" (\w+)\n      env:\n((?:        .+\n)+)", self.text):
            code = (support.ROOT / "action" / f"{script}.py").read_text()
            read = set(re.findall(r'(?:given|switched_on)\("([a-z-]+)"', code))
            for name, inputs in shared.items():
                if f"runner.{name}()" in code:
                    read |= inputs
            handed = set(re.findall(r"inputs\.([a-z-]+)", block))
            self.assertEqual(handed, read, script)
            for variable, name in re.findall(r"INPUT_(\w+): \$\{\{ inputs\.([a-z-]+)", block):
                self.assertEqual(variable, name.upper().replace("-", "_"))

    def test_no_expression_stands_in_a_script(self):
        for line in self.text.splitlines():
            if line.strip().startswith("run:"):
                self.assertNotIn("${{", line)

    def test_every_output_is_set(self):
        wanted = set(re.findall(r"steps\.\w+\.outputs\.([a-z-]+)", self.text))
        code = "".join(path.read_text() for path in (support.ROOT / "action").glob("*.py"))
        self.assertEqual(wanted, set(re.findall(r'runner\.output\("([a-z-]+)"', code)))


if __name__ == "__main__":
    unittest.main()
