"""The workflows and the action: their schemas, and the action as a whole with the program itself."""

import json
import os
import re
import shutil
import unittest
import zipfile

import support

import built
import release

WORKFLOWS = [".github/workflows/ci.yml", ".github/workflows/release.yml"]


class Schemas(unittest.TestCase):
    def schema(self, name, *files):
        support.run(built.TOOLS / "check-jsonschema", "--builtin-schema", name, *files)

    def test_schemas(self):
        self.schema("vendor.github-workflows", *WORKFLOWS)
        self.schema("github-workflows-require-timeout", *WORKFLOWS)
        self.schema("vendor.github-actions", "action.yml")
        self.schema("vendor.gitlab-ci", "packaging/gitlab-ci.yml")

    def test_zizmor_finds_nothing(self):
        support.run(built.TOOLS / "zizmor", "--offline", "--strict-collection", "action.yml", *WORKFLOWS)

    def test_shellcheck_finds_nothing(self):
        support.run(built.TOOLS / "shellcheck", "action/run.sh", "packaging/push.sh")


class Installed(support.Case):
    """The first step, with the wheel that was built."""

    def setUp(self):
        super().setUp()
        built.wheel()
        self.action = action(self.folder, release.requirements(built.VERSION, built.DIST))
        self.runner = support.Runner(self.folder, self.action)
        self.runner.env.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(built.DIST))

    def test_the_wheel_is_installed_by_its_hash(self):
        self.runner.step("install")
        self.assertIn(built.VERSION, support.run(f"{self.runner.paths()[-1]}/malloclint", "--version").text)
        path = self.action / "action/requirements.txt"
        path.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", path.read_text()))
        log = self.runner.step("install", 2).text
        self.assertIn("HASHES", log)
        self.assertEqual(len(self.runner.paths()), 1)

    def test_another_version_is_installed_with_a_warning(self):
        self.runner.step("install", version=built.VERSION)
        path = self.action / "action/requirements.txt"
        path.write_text(path.read_text().replace(f"=={built.VERSION}", "==99.0"))
        log = self.runner.step("install", version=built.VERSION).text
        self.assertTrue(support.orders(log)[0].startswith("::warning::"))
        self.assertIn("without a check of its hash", log)
        self.assertIn("could not be installed", self.runner.step("install", 2, version="98.0").text)


def action(folder, requirements):
    """The action as a release makes it."""
    path = folder / "action"
    shutil.copytree(support.ROOT / "action", path / "action")
    shutil.copy(support.ROOT / "action.yml", path)
    (path / "action/requirements.txt").write_text(requirements)
    return path


class Whole:
    """Runs action.yml as GitHub does: inputs, conditions, outputs, and what one step leaves to the next."""

    def act(self, code, **inputs):
        """All steps; gives the log and the outputs of the action."""
        import yaml

        with open(self.action / "action.yml") as file:
            action = yaml.safe_load(file)
        given = {name: inputs.get(name.replace("-", "_"), about.get("default", "")) for name, about in action["inputs"].items()}
        outputs, log, failed = {}, "", 0

        def value(match):
            expression = match.group(1)
            found = re.fullmatch(r"inputs\.([\w-]+)", expression)
            if found:
                return given[found.group(1)]
            step, name = re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression).groups()
            return outputs.get(step, {}).get(name, "")

        def expanded(text):
            return re.sub(r"\$\{\{ (.+?) \}\}", value, text)

        for step in action["runs"]["steps"]:
            if "if" in step:
                terms = re.findall(r"inputs\.([\w-]+) == '(\w+)'", step["if"])
                self.assertEqual(step["if"].count("=="), len(terms))
                if not any(given[name] == wanted for name, wanted in terms):
                    continue
            if failed:
                continue
            self.runner.files["GITHUB_OUTPUT"].write_text("")
            env = {**self.runner.env, **{name: expanded(text) for name, text in step.get("env", {}).items()}}
            env["PATH"] = os.pathsep.join([*reversed(self.runner.paths()), env["PATH"]])
            self.assertEqual(step["shell"], "bash")
            script = self.write("step.sh", expanded(step["run"]))
            done = support.run("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script, cwd=self.runner.workspace, env=env, code=None)
            log, failed = log + done.text, done.returncode
            outputs[step.get("id")] = self.runner.outputs()
        self.assertEqual(failed, code, log)
        return log, {name: expanded(about["value"]) for name, about in action["outputs"].items()}

    def test_findings_fail_the_job_and_are_told_everywhere(self):
        log, outputs = self.act(1, sarif="malloclint.sarif", fix="suggest")
        self.assertEqual((outputs["findings"], outputs["errors"], outputs["fixable"]), ("1", "1", "1"))
        orders = support.orders(log)
        self.assertEqual(len(orders), 1, orders)
        self.assertRegex(orders[0], r"^::error .*\bfile=Dockerfile,.*\bline=5\b")
        self.assertIn("|", self.runner.summary())
        with open(self.runner.workspace / outputs["sarif-file"]) as file:
            self.assertEqual(json.load(file)["version"], "2.1.0")
        with open(outputs["rdjson-file"]) as file:
            self.assertEqual(len(json.load(file)["diagnostics"]), 1)
        self.assertEqual(outputs["diff-file"], "")

    def test_findings_need_not_fail_the_job(self):
        _, outputs = self.act(0, fail_on="never", annotations="false", summary="false")
        self.assertEqual((outputs["findings"], outputs["sarif-file"], self.runner.summary()), ("1", "", ""))

    def test_nothing_is_wrong(self):
        self.write("workspace/Dockerfile", self.fixed)
        log, outputs = self.act(0)
        self.assertEqual((outputs["findings"], support.orders(log)), ("0", []))

    def test_a_path_that_is_missing_fails_the_job_whatever_was_found(self):
        log, _ = self.act(2, paths="nowhere", fail_on="never")
        self.assertIn("could not do all of its work", log)

    def test_a_diff_is_one_that_git_applies(self):
        _, outputs = self.act(1, fix="diff")
        self.assertEqual((self.runner.workspace / "Dockerfile").read_text(), self.wrong)
        self.git("init", "--quiet", cwd=self.runner.workspace)
        self.git("apply", outputs["diff-file"], cwd=self.runner.workspace)
        self.assertEqual((self.runner.workspace / "Dockerfile").read_text(), self.fixed)
        self.assertIn("```diff", self.runner.summary())

    def test_fixes_are_pushed_and_what_is_left_decides(self):
        work, origin = self.runner.workspace, self.folder / "origin.git"
        self.git("init", "--quiet", "--bare", origin)
        self.git("init", "--quiet", "--initial-branch", "main", cwd=work)
        self.git("remote", "add", "origin", origin, cwd=work)
        self.git("add", ".", cwd=work)
        self.git("commit", "--quiet", "--message", "one", cwd=work)
        self.act(0, fix="commit")
        self.assertEqual(self.git("show", "main:Dockerfile", cwd=origin), self.fixed)


class WholeWithTheProgram(Whole, support.Case):
    wrong = support.WRONG
    fixed = support.WRONG.replace("/usr/lib/libjemalloc", "libjemalloc")

    def setUp(self):
        super().setUp()
        built.wheel()
        self.action = action(self.folder, release.requirements(built.VERSION, built.DIST))
        self.runner = support.Runner(self.folder, self.action)
        self.runner.env.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(built.DIST))
        self.write("workspace/Dockerfile", self.wrong)


class WholeWithAStandIn(Whole, support.Case):
    wrong = "a\nb\nc\nd\nBAD\n"
    fixed = "a\nb\nc\nd\nGOOD\n"

    def setUp(self):
        super().setUp()
        script = (support.HERE / "stand-in/malloclint").read_text().replace("#!/usr/bin/env python3", "#!python", 1)
        about = "malloclint-1.0.dist-info"
        (self.folder / "dist").mkdir()
        with zipfile.ZipFile(self.folder / "dist/malloclint-1.0-py3-none-any.whl", "w") as wheel:
            info = zipfile.ZipInfo("malloclint-1.0.data/scripts/malloclint")
            info.external_attr = 0o100755 << 16
            wheel.writestr(info, script)
            wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: malloclint\nVersion: 1.0\n")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            names = wheel.namelist()
            wheel.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in [*names, f"{about}/RECORD"]))
        self.action = action(self.folder, release.requirements("1.0", self.folder / "dist"))
        self.runner = support.Runner(self.folder, self.action)
        self.runner.env.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(self.folder / "dist"), STAND_IN_LOG=str(self.folder / "asked"))
        self.write("workspace/Dockerfile", self.wrong)


class GitLab(support.Case):
    def test_the_job_runs_as_it_is_written(self):
        import yaml

        built.wheel()
        with open(support.ROOT / "packaging/gitlab-ci.yml") as file:
            job = yaml.safe_load(file)["malloclint"]
        support.run(built.sys.executable, "-m", "venv", self.folder / "venv")
        env = built.environment(PIP_NO_INDEX="1", **job["variables"])
        env["PATH"] = f"{self.folder / 'venv/bin'}{os.pathsep}{env['PATH']}"
        self.write("work/Dockerfile", support.WRONG)
        install, check = job["script"]
        support.run("sh", "-c", install, cwd=self.folder, env=env)
        support.run("sh", "-c", check, cwd=self.folder / "work", env=env, code=1)
        with open(self.folder / "work" / job["artifacts"]["reports"]["codequality"]) as file:
            self.assertEqual(json.load(file)[0]["location"]["path"], "Dockerfile")


if __name__ == "__main__":
    unittest.main()
