"""What Cargo.toml says of the project: nothing in this folder knows it otherwise."""

import json
import os
import pathlib
import subprocess
from typing import Dict, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent


def package(root: pathlib.Path = ROOT) -> Dict:
    """The package as Cargo reads it: `version`, `repository` and more."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--manifest-path", str(root / "Cargo.toml")]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"][0]


def slug(root: pathlib.Path = ROOT) -> str:
    """`owner/name` of the repository."""
    return "/".join(package(root)["repository"].rstrip("/").split("/")[-2:])


def commit(root: pathlib.Path = ROOT) -> Optional[str]:
    """The commit that is checked out, or that the environment names."""
    if os.environ.get("MALLOCLINT_COMMIT"):
        return os.environ["MALLOCLINT_COMMIT"]
    return _git(root, "rev-parse", "HEAD")


def committed_at(root: pathlib.Path = ROOT) -> str:
    """When that was, in seconds: what packages take for the time of their files."""
    return os.environ.get("SOURCE_DATE_EPOCH") or _git(root, "log", "-1", "--format=%ct") or "315532800"


def _git(root: pathlib.Path, *arguments: str) -> Optional[str]:
    # Sources that lie in somebody else's checkout are not of that commit.
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], check=True, stdout=subprocess.PIPE)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode().strip() or None
