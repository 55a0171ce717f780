"""What a measurement needs and the repository does not hold: Debian's allocators, and Python's packages in a venv.

Everything is put below target/; nothing is installed into the machine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
HOOK = ROOT / "templates" / "thread-hook.toml"
MULTIARCH = "lib/*-linux-gnu"


class Missing(Exception):
    """Why something cannot be had here."""


def library(package: str, soname: str, folder: Path) -> Path:
    """The allocator of a Debian package: unpacked below `folder`, without being installed."""
    unpacked = folder / package
    if not _found(unpacked, soname):
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            return _installed(package, soname)
        with tempfile.TemporaryDirectory() as scratch:
            archive = _download(package, Path(scratch))
            if archive is None:
                return _installed(package, soname)
            unpacked.mkdir(parents=True, exist_ok=True)
            _run(["dpkg-deb", "-x", str(archive), str(unpacked)])
    found = _found(unpacked, soname)
    if not found:
        raise Missing(f"{package} has no {soname}")
    return found[0]


def _found(root: Path, soname: str) -> list[Path]:
    return sorted(path for path in root.glob(f"usr/{MULTIARCH}/{soname}"))


def _installed(package: str, soname: str) -> Path:
    found = _found(Path("/"), soname) + sorted(Path("/usr/lib64").glob(soname))
    if not found:
        raise Missing(f"{package} is not installed, and cannot be downloaded")
    return found[0]


def _download(package: str, folder: Path) -> Path | None:
    for prepare in ([], ["apt-get", "-qq", "update"]):
        if prepare and not _tried(prepare, folder):
            return None
        # apt drops root's rights for a download, and cannot write here then.
        if _tried(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], folder):
            return next(folder.glob("*.deb"), None)
    return None


def venv(folder: Path, python: str, requirements: Path) -> Path:
    """A venv with those packages; made anew when the list or the interpreter is another one. Returns its Python."""
    program = folder / "bin" / "python"
    stamp = folder / "made-from.txt"
    wanted = _run([python, "-VV"]) + requirements.read_text()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _run([python, "-m", "venv", str(folder)])
        _run([str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r", str(requirements)])
        stamp.write_text(wanted)
    return program


def thin_venv(folder: Path, python: str, packages: Path | None, hook: bool) -> Path:
    """A venv of its own start-up files, which borrows the packages of another one. Returns its Python."""
    program = folder / "bin" / "python"
    shutil.rmtree(folder, ignore_errors=True)
    _run([python, "-m", "venv", "--without-pip", str(folder)])
    if packages is not None:
        _site(program).joinpath("packages.pth").write_text(f"{_site(packages)}\n")
    if hook:
        _run(hook_command(str(program)))
    return program


def hook_command(python: str) -> list[str]:
    """The instruction of the template, as the builder of an image would run it."""
    return json.loads(hook_instruction(python).replace("\\\n", ""))


def hook_instruction(python: str) -> str:
    """What RUN takes, for builders without here-documents."""
    template = tomllib.loads(HOOK.read_text())
    lines = [f'"{line}"' for line in template["text"].splitlines() if line and not line.lstrip().startswith("#")]
    return template["lowered"].replace("{python}", python).replace("{lines}", ", \\\n    ".join(lines))


def _site(python: Path) -> Path:
    return Path(_run([str(python), "-c", "import site; print(site.getsitepackages()[0])"]).strip())


def _tried(command: list[str], folder: Path) -> bool:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise Missing(f"{' '.join(command[:5])}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout
