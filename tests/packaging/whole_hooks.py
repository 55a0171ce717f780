"""The hooks, by pre-commit itself."""

import os
import re
import shutil
import sys
import time

import support

import build
import built

FINE = support.WRONG.replace("/usr/lib/libjemalloc.so.2", "libjemalloc.so.2")
NO_MANIFEST = "a: 1\n"


class Hooks(support.Case):
    def setUp(self):
        super().setUp()
        built.wheel()
        self.env = built.environment(PRE_COMMIT_HOME=str(self.folder / "cache"), HOME=str(self.folder), TOOLS=str(self.folder / "tools"))
        # It is run by its own Python: what it finds on PATH is a matter of the test.
        self.pre_commit = [sys.executable, "-m", "pre_commit"]

    def hook_repository(self, name, copy):
        """A repository of hooks, as its tag has it."""
        path = self.repository(name)
        copy(path)
        self.git("add", "--all", cwd=path)
        self.git("commit", "--quiet", "--message", "one", cwd=path)
        self.git("tag", f"v{built.VERSION}", cwd=path)
        return path

    def mirror(self):
        return self.hook_repository("mirror", lambda path: shutil.copytree(support.ROOT / "packaging/pre-commit", path, dirs_exist_ok=True))

    def project(self):
        """A project with what should be found and what should be passed over."""
        path = self.repository("project")
        for name, text in [
            ("api/Dockerfile", support.WRONG), ("worker.dockerfile", support.WRONG), ("Containerfile", FINE),
            ("ci.yaml", NO_MANIFEST), ("Dockerfile.md", support.WRONG), ("chart/x.yaml", "a: {{ b }}\n"),
        ]:
            self.write(f"project/{name}", text)
        self.git("add", "--all", cwd=path)
        return path

    def finds_fixes_passes(self, hooks, env):
        project = self.project()

        def hook(name, code):
            return support.run(*self.pre_commit, "try-repo", hooks, name, "--verbose", "--all-files", cwd=project, env=env, code=code).text

        found = hook("malloclint", 1)
        for name in ("api/Dockerfile", "worker.dockerfile"):
            self.assertRegex(found, rf"\[{re.escape(name)}:\d+:\d+\]")
        self.assertNotIn("Dockerfile.md", found)
        self.assertIn("2 errors in ", found)
        fixed = hook("malloclint-fix", 1)
        self.assertIn("files were modified by this hook", fixed)
        self.assertEqual((project / "api/Dockerfile").read_text(), FINE)
        self.assertEqual((project / "Dockerfile.md").read_text(), support.WRONG)
        self.git("add", "--all", cwd=project)
        for name in ("malloclint", "malloclint-fix"):
            self.assertIn("Passed", hook(name, 0))

    def test_the_repository_for_pre_commit_compiles_nothing(self):
        self.finds_fixes_passes(self.mirror(), built.without_compilers(self.env))

    def test_this_repository_builds_the_program(self):
        def copy(path):
            for name in support.run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").text.split("\0"):
                source = support.ROOT / name
                if name and source.is_file() and not name.startswith(("bench/", "fuzz/", "docs/")):
                    (path / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, path / name)

        # Not optimised, and what was compiled before is taken: what is tested is that it is built at all.
        fast = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}
        env = {**self.env, **fast, "CARGO_TARGET_DIR": str(build.target_folder() / "packaging" / "hook"), "HOME": os.environ["HOME"]}
        self.finds_fixes_passes(self.hook_repository("hooks", copy), env)

    def test_the_manifests_are_such(self):
        for name in (".pre-commit-hooks.yaml", "packaging/pre-commit/.pre-commit-hooks.yaml"):
            support.run(*self.pre_commit, "validate-manifest", support.ROOT / name)

    def test_a_new_user_from_nothing_to_a_commit_that_passes(self):
        """No Rust, no malloclint: a repository, the configuration that the README has, and a commit."""
        env = built.without_compilers(self.env)
        mirror, project = self.mirror(), self.repository("service")
        start = time.monotonic()
        readme = (support.ROOT / "README.md").read_text()
        config = re.search(r"```yaml\n(repos:\n.*?)```", readme, re.DOTALL).group(1)
        # The one thing that is not as it will be: where the repository lies.
        config, count = re.subn(r"repo: \S+", f"repo: {mirror}", config)
        self.assertEqual(count, 1)
        self.write("service/.pre-commit-config.yaml", config)
        self.write("service/Dockerfile", support.WRONG)
        support.run(*self.pre_commit, "install", cwd=project, env=env)
        support.run("git", "add", "--all", cwd=project, env=env)
        blocked = support.run("git", "commit", "--message", "one", cwd=project, env=env, code=1).text
        first = time.monotonic() - start
        self.assertIn("preload-wrong-path", blocked)
        self.assertEqual((project / "Dockerfile").read_text(), FINE, "the second hook has fixed it")
        support.run("git", "add", "--all", cwd=project, env=env)
        support.run("git", "commit", "--message", "one", cwd=project, env=env)
        whole = time.monotonic() - start
        self.assertEqual(support.run("git", "show", "HEAD:Dockerfile", cwd=project, env=env).text, FINE)
        print(f"\n  a new user: the commit was stopped after {first:.1f} s, and passed after {whole:.1f} s", file=sys.stderr)


class Names(support.Case):
    def test_the_hooks_are_given_what_the_program_finds(self):
        """Every name that the program finds in a folder comes through, and no other does."""
        words = ["Dockerfile", "dockerfile", "Containerfile", "dockerfiles", "mydockerfile", "compose", "kustomization", "pod"]
        names = set()
        for word in words:
            for before in ("", "x.", "x-", "x_", "x", ".", "a.b-"):
                for after in ("", ".x", "-x", "_x", "x", ".md", ".yaml", ".yml", ".json", ".dockerignore", ".3.12", ".", "-x.py", ".j2"):
                    names.add(before + word + after)
        pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n    - name: a\n      image: b\n      env:\n        - name: A\n          value: 1\n"
        compose = "services:\n  a:\n    image: b\n    environment:\n      - LD_PRELOAD=\"libjemalloc.so.2\"\n"
        program, folder = self.folder / "malloclint", self.folder / "all"
        program.write_bytes(build.wheels.program(built.wheel())[1])
        program.chmod(0o755)
        folder.mkdir()
        for name in names:
            text = support.WRONG
            if name.endswith((".yaml", ".yml")):
                text = compose if re.search(r"(^|[._-])compose[._-]", name) else pod
            # One folder each: what files say about each other is no matter here.
            self.write(f"all/{name} folder/{name}", text)
        concise = support.run(program, "check", "--no-progress", "--format", "concise", ".", cwd=folder, code=1).text
        found = {line.split(":")[0].split("/")[-1] for line in concise.splitlines() if re.match(r".*:\d+:\d+: ", line)}
        block = re.search(r"  files: &files \|\n((?:    .*\n)+)", (support.ROOT / ".pre-commit-hooks.yaml").read_text()).group(1)
        pattern = re.compile("\n".join(line[4:] for line in block.splitlines()))
        taken = {name for name in names if pattern.search(f"deep/{name}")}
        # The folder's file of that name is a list for Kustomize, whatever this test writes into it.
        apart = {name for name in names if re.fullmatch(r"\.?kustomization(\.ya?ml)?", name)} | {name for name in names if name.endswith(".j2")}
        self.assertEqual(taken - apart, found - apart)
        self.assertGreater(len(found), 150)


if __name__ == "__main__":
    support.unittest.main()
