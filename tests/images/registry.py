"""Debian's docker-registry on this machine: as it is, with certificates, with a password, and with tokens; and what it was asked."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Sequence

from tools import Tools

NAME = "registry.example"
USER, PASSWORD = "someone", "a pass:word"
STARTS = 20.0  # seconds
# Lines of its log: `127.0.0.1 - - [...] "GET /v2/a/manifests/1 HTTP/1.1" 200 1574 ...`
REQUEST = re.compile(r'"(GET|HEAD) (/v2/\S*) HTTP/[0-9.]+" ([0-9]{3}) ([0-9]+)')
WRITTEN = re.compile(r'"(PUT|POST) (/v2/\S*) HTTP/[0-9.]+" 2[0-9]{2} ')
# A daemon dies with the thread that started it.
DIES = ["setpriv", "--pdeathsig", "KILL"]


class RegistryError(Exception):
    """It does not run here."""


@dataclass(frozen=True)
class Request:
    """What it was asked, and how it answered."""

    method: str
    path: str
    status: int
    size: int

    @property
    def blob(self) -> str | None:
        """The digest of the blob that it gave."""
        found = re.search(r"/blobs/(sha256:[0-9a-f]{64})$", self.path)
        return found[1] if found and self.method == "GET" and self.status in (200, 206) else None


class Certificates:
    """An authority, a server's certificate of it, and an authority that nobody knows."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        folder.mkdir()
        self.authority, self.stranger = folder / "ca.crt", folder / "stranger.crt"
        self.certificate, self.key = folder / "server.crt", folder / "server.key"
        self._tools = tools
        self._authority(self.authority, "An authority")
        self._authority(self.stranger, "A stranger")
        asked = folder / "server.csr"
        more = folder / "server.ext"
        more.write_text(f"subjectAltName = DNS:localhost, DNS:{NAME}, DNS:other.{NAME}, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n")
        self._openssl("req", "-new", *_key(self.key), "-subj", f"/CN={NAME}", "-out", str(asked))
        signed = ["-CA", str(self.authority), "-CAkey", str(self.authority.with_suffix(".key")), "-CAcreateserial"]
        self._openssl("x509", "-req", "-in", str(asked), *signed, "-days", "2", "-extfile", str(more), "-out", str(self.certificate))

    def _authority(self, path: Path, name: str) -> None:
        usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        self._openssl("req", "-x509", *_key(path.with_suffix(".key")), "-subj", f"/CN={name}", "-days", "2", *usage, "-out", str(path))

    def _openssl(self, *arguments: str) -> None:
        self._tools.run("openssl", *arguments)


def _key(path: Path) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", str(path)]


@dataclass
class Daemon:
    """A program that goes on, and what it says. `before`: what starts it."""

    command: list[str]
    log: Path
    before: Sequence[str] = ()
    _process: subprocess.Popen | None = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([*DIES, *self.before, *self.command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    @property
    def number(self) -> int:
        if self._process is None or self._process.poll() is not None:
            raise RegistryError(f"{self.command[0]} has ended: {self.log.read_text(errors='replace')[-1000:]}")
        return self._process.pid

    def wait_for(self, address: str, port: int) -> None:
        """Until something listens there."""
        self.wait_until(lambda: self._connects(address, port))

    def wait_until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + STARTS
        while not holds():
            if time.monotonic() > end:
                raise RegistryError(f"{self.command[0]} does not start: {self.log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.05)
            _ = self.number

    def _connects(self, address: str, port: int) -> bool:
        """From where it is."""
        program = f"import socket; socket.create_connection(({address!r}, {port}))"
        return subprocess.run([*self.before, sys.executable, "-c", program], capture_output=True, check=False).returncode == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Registry:
    """One of them; several may share what they store."""

    def __init__(self, folder: Path, name: str, storage: Path, more: dict | None = None, before: Sequence[str] = (), address: str = "127.0.0.1") -> None:
        """`more`: further settings. `before`: what starts it."""
        self._address, self.port = address, free_port()
        self.host = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self._log = folder / f"registry-{name}.log"
        settings = folder / f"registry-{name}.json"
        told = {
            "version": "0.1",
            "log": {"level": "error", "formatter": "json"},
            # Several write there: none may know it better than the files do.
            "storage": {"filesystem": {"rootdirectory": str(storage)}, "cache": {}, "maintenance": {"uploadpurging": {"enabled": False}}},
            "http": {"addr": self.host, **((more or {}).get("http") or {})},
            **{key: value for key, value in (more or {}).items() if key != "http"},
        }
        settings.write_text(json.dumps(told))
        self._daemon = Daemon(["docker-registry", "serve", str(settings)], self._log, before)

    def start(self) -> None:
        self._daemon.start()
        self._daemon.wait_for(self._address, self.port)

    def stop(self) -> None:
        self._daemon.stop()

    def can_listen(self) -> bool:
        """Whether its address is one of this machine."""
        try:
            with socket.create_server((self._address, self.port), family=socket.AF_INET6 if ":" in self._address else socket.AF_INET):
                return True
        except OSError:
            return False

    def mark(self) -> int:
        """What is asked from now on is behind it."""
        return len(self._log.read_bytes())

    def requests(self, mark: int) -> list[Request]:
        text = self._log.read_bytes()[mark:].decode(errors="replace")
        return [Request(method, path, int(status), int(size)) for method, path, status, size in REQUEST.findall(text)]

    def written(self, mark: int) -> list[str]:
        """What it was sent: the method, and the path with what is behind it."""
        text = self._log.read_bytes()[mark:].decode(errors="replace")
        return [f"{method} {path}" for method, path in WRITTEN.findall(text)]

    def blobs(self, mark: int) -> list[str]:
        """Those that it gave."""
        return [request.blob for request in self.requests(mark) if request.blob]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def tls(certificates: Certificates) -> dict:
    """Settings of one that speaks HTTPS."""
    return {"http": {"tls": {"certificate": str(certificates.certificate), "key": str(certificates.key)}}}


def password(folder: Path, tools: Tools) -> dict:
    """Settings of one that asks for a password."""
    file = folder / "htpasswd"
    file.write_text(tools.run("htpasswd", "-nbB", "-C", "5", USER, PASSWORD))
    return {"auth": {"htpasswd": {"realm": "a registry", "path": str(file)}}}
