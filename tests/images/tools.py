"""Runs the programs of others that make, move and unpack images."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Mapping

import process
from rooted import APART

# Whoever moves an image asks for a rule about signatures; the host may have none.
POLICY = {"default": [{"type": "insecureAcceptAnything"}]}
# What they are installed by.
PACKAGES = {
    "skopeo": "skopeo",
    "umoci": "umoci",
    "buildah": "buildah",
    "podman": "podman",
    "runc": "runc",
    "docker-registry": "docker-registry",
    "htpasswd": "apache2-utils",
    "openssl": "openssl",
    "gpg": "gpg",
    "gcc": "gcc",
    "musl-gcc": "musl-tools",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}


class ToolError(Exception):
    """A program that has to work did not."""


class Tools:
    """They leave nothing outside of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._policy = folder / "policy.json"
        self._policy.write_text(json.dumps(POLICY))
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "XDG_RUNTIME_DIR": str(folder)}

    def run(self, *command: str, given: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        done = process.run([*command], given, {**self._environment, **(environment or {})})
        if done.code != 0:
            raise ToolError(f"{' '.join(command)}: {done.both().strip()[-2000:]}")
        return done.out

    def raw(self, *command: str, given: bytes = b"") -> bytes:
        """What it prints is no text."""
        return subprocess.run(command, input=given, env=self._environment, capture_output=True, check=True).stdout

    def skopeo(self, source: str, target: str, *options: str) -> None:
        self.run("skopeo", f"--policy={self._policy}", f"--tmpdir={self._folder}", "copy", "--quiet", *options, source, target)

    def buildah(self, *arguments: str) -> str:
        store = [f"--root={self._folder}/buildah", f"--runroot={self._folder}/buildah-run", "--storage-driver=overlay"]
        return self.run(*APART, "buildah", *store, *arguments)

    def pull(self, source: str) -> str:
        """Into buildah's own store."""
        return self.buildah("pull", f"--signature-policy={self._policy}", "--quiet", source).strip()

    def push(self, image: str, target: str, *options: str) -> None:
        self.buildah("push", f"--signature-policy={self._policy}", "--quiet", *options, image, target)

    def unpack(self, layout: Path, tag: str, bundle: Path) -> Path:
        """The root of an image, as umoci unpacks it."""
        shutil.rmtree(bundle, ignore_errors=True)
        self.run("umoci", "unpack", f"--image={layout}:{tag}", str(bundle))
        return bundle / "rootfs"

    def repack(self, layout: Path, tag: str, target: Path, bundle: Path) -> None:
        """Writes an image anew, by umoci alone: its files as one layer, and what its containers start with."""
        root = self.unpack(layout, tag, bundle / "whole")
        if not target.exists():
            self.run("umoci", "init", f"--layout={target}")
        self.run("umoci", "new", f"--image={target}:{tag}")
        self.unpack(target, tag, bundle / "new")
        shutil.rmtree(bundle / "new" / "rootfs")
        root.rename(bundle / "new" / "rootfs")
        self.run("umoci", "repack", f"--image={target}:{tag}", str(bundle / "new"))
        config = json.loads(self.run("skopeo", "inspect", "--config", f"oci:{layout}:{tag}"))
        told = [f"--{name}={value}" for name, value in _settings(config)]
        self.run("umoci", "config", f"--image={target}:{tag}", *told)


def _settings(config: dict) -> list[tuple[str, str]]:
    started = config.get("config") or {}
    lists = {"config.env": "Env", "config.entrypoint": "Entrypoint", "config.cmd": "Cmd"}
    found = [(option, value) for option, name in lists.items() for value in started.get(name) or []]
    if started.get("WorkingDir"):
        found.append(("config.workingdir", started["WorkingDir"]))
    return [*found, ("architecture", config["architecture"])]
