"""What the services need: Python's packages in a venv, and redis from Debian, unpacked. All of it below target/."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[2] / "target" / "inspect" / "services"
# The server is in the tools' package; the libraries are those that a machine may not have.
REDIS = ("redis-tools", "libjemalloc2", "liblzf1")


def venv():
    """Its Python. Made anew where the list of packages is another one."""
    folder, wanted = FOLDER / "venv", (HERE / "requirements.txt").read_text() + sys.version
    program, stamp = folder / "bin" / "python", folder / "made-from.txt"
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return program


def redis():
    """The command and the environment of a redis server; None where it cannot be had: Celery passes its tasks through files then."""
    if shutil.which("redis-server"):
        return [shutil.which("redis-server")], dict(os.environ)
    folder = FOLDER / "redis"
    # It is one program of several names: the one that it is called by says what it does.
    program = folder / "usr" / "bin" / "redis-server"
    if not program.is_file() and not _unpack(folder, program):
        return None
    libraries = ":".join(str(path) for path in folder.glob("usr/lib/*-linux-gnu"))
    return [str(program)], {**os.environ, "LD_LIBRARY_PATH": libraries}


def _unpack(folder, program):
    with tempfile.TemporaryDirectory() as scratch:
        # apt drops root's rights for a download, and could not write here then.
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *REDIS]
        try:
            subprocess.run(download, cwd=scratch, check=True, capture_output=True)
            for package in Path(scratch).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", package, folder], check=True, capture_output=True)
            shutil.copy(folder / "usr" / "bin" / "redis-check-rdb", program)
        except (OSError, subprocess.CalledProcessError):
            return False
    return True
