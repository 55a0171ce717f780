"""`malloclint image patch` fetches the library as the image's own apt would: from an archive that gpg has signed, and from none that it should not trust."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import lzma
import os
import shutil
import subprocess
import tarfile
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Iterator, Mapping

import archive
from layout import Layout
from store import BuildError
from subjects import SERVICE
from world import World

SUITE, COMPONENT, ARCH = "bookworm", "main", "amd64"
TAG, TRUSTING = "plain", "trusting"
KEYRING = "etc/apt/keyrings/own.gpg"
FOLDER = f"dists/{SUITE}"
INDEX = f"{COMPONENT}/binary-{ARCH}/Packages"
POOL = "pool/main/j/jemalloc/libjemalloc2.deb"
# Where those files of an image lie that matter here.
LIBRARIES = "./usr/lib/x86_64-linux-gnu/"
KEPT = ("./usr/lib/os-release", "./var/lib/dpkg/status", "./usr/bin/python3.11", *(f"{LIBRARIES}{name}" for name in ("libc.so", "libm.so", "libgcc_s", "libstdc++")))
PATIENCE = 120.0  # seconds
DAY = 86_400
# When a key was used that has expired since.
PAST = "20200301T000000"
# More than an index may have, and a line that nobody reads to its end.
HUGE, LINE = 1 << 40, 8 << 20
Files = dict[str, bytes]


def check(world: World) -> list[str]:
    server = _Server()
    try:
        return list(_faults(_Proof(world, server)))
    finally:
        server.stop()


def _faults(proof: _Proof) -> Iterator[str]:
    named = proof.patch("named", TAG, [f"--deb={proof.package}"])
    if named.returncode != 0:
        yield f"with --deb: {named.stderr}"
    for name, files in proof.right():
        done = proof.patch(name, TAG, [], files)
        if done.returncode != 0 or done.stdout != named.stdout:
            yield f"{name}, exit code {done.returncode}: {done.stdout}{done.stderr}"
    for wrong in proof.wrong():
        started = time.monotonic()
        done = proof.patch(wrong.name.replace(" ", "-"), wrong.tag, ["--timeout=5"], wrong.files, wrong.special)
        is_right = done.returncode == 2 and wrong.why in done.stderr and done.stderr.count("\n") == 1
        if not is_right or done.stdout or proof.target.exists():
            yield f"{wrong.name}, exit code {done.returncode}: {done.stdout}{done.stderr}"
        if time.monotonic() - started > 30:
            yield f"{wrong.name}: it is refused after {time.monotonic() - started:.0f} s"


@dataclass(frozen=True)
class _Wrong:
    """An archive that must not be trusted. `special`: what is answered otherwise than with a file."""

    name: str
    why: str
    files: Files
    special: Mapping[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    tag: str = TAG


class _Server:
    """Gives the files that it has at the moment."""

    def __init__(self) -> None:
        self.files: Files = {}
        self.special: Mapping[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/debian"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, server: _Server, *others: object) -> None:
        self._of = server
        super().__init__(*others)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.removeprefix("/debian/")
        if path in self._of.special:
            self._of.special[path](self)
            return
        content = self._of.files.get(path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_arguments: object) -> None:
        """Nobody reads it."""


def _trickling(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, and no end."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"-")
            time.sleep(0.2)
    except OSError:
        pass


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"-" * 65536)
    except OSError:
        pass


def _leading(to: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


class _Keys:
    """gpg with a folder of its own. The key `revoked` is so for those who have its keyring, not for the one who signs."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "gnupg"
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(mode=0o700)
        for name in ("good", "revoked", "stranger"):
            self._run("--quick-generate-key", f"{name}@example.org", "ed25519", "sign", "never")
        self._run("--quick-generate-key", "rsa@example.org", "rsa2048", "cert", "never")
        self._run("--quick-add-key", self._fingerprint("rsa"), "rsa2048", "sign", "never")
        self._run("--faked-system-time=20200101T000000", "--quick-generate-key", "expired@example.org", "ed25519", "sign", "1y")

    def ring(self) -> bytes:
        """All keys but the stranger's, with a revocation."""
        names = [f"{name}@example.org" for name in ("good", "rsa", "expired", "revoked")]
        plain = self._run("--export", *names)
        other = self._home / "other"
        other.mkdir(mode=0o700)
        revocation = self._home / "openpgp-revocs.d" / f"{self._fingerprint('revoked')}.rev"
        text = revocation.read_text().replace(":-----BEGIN", "-----BEGIN")
        self._run(f"--homedir={other}", "--import", given=plain)
        self._run(f"--homedir={other}", "--import", given=text.encode())
        return self._run(f"--homedir={other}", "--export", *names)

    def sign(self, text: str, name: str = "good", *options: str) -> bytes:
        return self._run(*options, "--clearsign", f"--local-user={name}@example.org", given=text.encode())

    def _fingerprint(self, name: str) -> str:
        listed = self._run("--with-colons", "--list-keys", f"{name}@example.org").decode().splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr"))

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--batch", "--quiet", "--no-tty", "--pinentry-mode=loopback", "--passphrase=", f"--homedir={self._home}", *arguments]
        done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=PATIENCE)
        if done.returncode != 0:
            raise BuildError(f"{' '.join(command)}: {done.stderr.decode()}")
        return done.stdout


class _Proof:
    """An image of Debian, and an archive that has a package for it."""

    def __init__(self, world: World, server: _Server) -> None:
        self._program, self._server = world.judge.program, server
        self._folder = world.folder("apt")
        self.target, self.package = self._folder / "out", self._folder / "libjemalloc2.deb"
        self._keys = _Keys(self._folder)
        base = world.archive(SUITE, ARCH)
        self._deb = _package(base)
        self.package.write_bytes(self._deb)
        self._layout(base)

    def _layout(self, base: Path) -> None:
        shutil.rmtree(self._folder / "app", ignore_errors=True)
        layout = Layout(self._folder / "app")
        below = layout.layer(_part(base))
        started = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": SERVICE.strip("[]").replace('"', "").split(", ")}
        ring = self._keys.ring()
        for tag, more in ((TAG, ""), (TRUSTING, "Trusted: yes\n")):
            sources = f"Types: deb\nURIs: {self._server.address}\nSuites: {SUITE}\nComponents: {COMPONENT}\nSigned-By: /{KEYRING}\n{more}"
            files = {"etc/apt/sources.list.d/debian.sources": sources.encode(), KEYRING: ring}
            layers = [below, layout.layer(archive.pack(files))]
            layout.tag(tag, layout.image(layers, ARCH, started))

    def patch(
        self,
        name: str,
        tag: str,
        options: list[str],
        files: Files | None = None,
        special: Mapping[str, Callable[[BaseHTTPRequestHandler], None]] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        self._server.files, self._server.special = files or {}, special or {}
        self.target = self._folder / f"out-{name}"
        command = [str(self._program), "image", "patch", "--quiet", f"oci:{self._folder}/app:{tag}", "-o", f"oci:{self.target}:{TAG}", *options]
        # What builds are to believe makes nothing last longer.
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)

    def right(self) -> Iterator[tuple[str, Files]]:
        yield "by-hash", self._files()
        yield "rsa", self._files(signer="rsa")
        hashed = [path for path in self._files() if "by-hash" in path]
        yield "by-name", {path: content for path, content in self._files(by_hash=False).items() if path not in hashed}
        yield "gzip", self._files(packed=(".gz",))
        older = _stanza(self._deb, version="5.0", filename="pool/older.deb")
        newer = _stanza(self._deb, version="9.0", depends="libc6 (>= 9.0)", filename="pool/newer.deb")
        yield "versions", self._files(index=f"{older}\n{newer}\n{_stanza(self._deb)}".encode())
        both = self._files()
        yield "two-keys", both | {f"{FOLDER}/InRelease": self._keys.sign(self._release(), "good", "--local-user=stranger@example.org")}

    def wrong(self) -> Iterator[_Wrong]:
        files = self._files()
        in_release = f"{FOLDER}/InRelease"
        signed = files[in_release]

        def release(content: bytes) -> Files:
            return files | {in_release: content}

        tampered = {path: content[:-1] + bytes([content[-1] ^ 1]) if "/Packages" in path or "by-hash" in path else content for path, content in files.items()}
        yield _Wrong("tampered index", "it is not what is signed", tampered)
        yield _Wrong("tampered package", "it is not what is signed", files | {POOL: self._deb[:-1] + b"x"})
        yield _Wrong("short package", "it is not what is signed", files | {POOL: self._deb[:-1]})
        yield _Wrong("long package", "more bytes than it may have", files | {POOL: self._deb + b"x"})
        yield _Wrong("no package", "the archive does not have it", {path: content for path, content in files.items() if path != POOL})
        yield _Wrong("no release", "it has no InRelease", {})
        yield _Wrong("expired release", "it expired", release(self._keys.sign(self._release(valid=-DAY))))
        yield _Wrong("future release", "from the future", release(self._keys.sign(self._release(date=DAY))))
        yield _Wrong("other suite", "it is about `trixie`", release(self._keys.sign(self._release(suite="trixie"))))
        yield _Wrong("unknown key", "is in no keyring that its apt trusts", release(self._keys.sign(self._release(), "stranger")))
        expired = self._keys.sign(self._release(), "expired", f"--faked-system-time={PAST}")
        yield _Wrong("expired key", "expired (2020-12-31", release(expired))
        yield _Wrong("revoked key", "is revoked", release(self._keys.sign(self._release(), "revoked")))
        weak = self._keys.sign(self._release(), "rsa", "--digest-algo=SHA1")
        yield _Wrong("weak digest", "a digest that is too weak (SHA1)", release(weak))
        yield _Wrong("weak sums", "digests that are too weak", release(self._keys.sign(self._release().replace("SHA256:", "SHA1:"))))
        yield _Wrong("unsigned", "it is not signed", release(self._release().encode()))
        changed = signed.replace(b"Origin: Test", b"Origin: Evil")
        yield _Wrong("changed release", "does not fit its text", release(changed))
        yield _Wrong("text before", "text in front", release(self._release().encode() + signed))
        yield _Wrong("text behind", "text behind", release(signed + self._release().encode()))
        yield _Wrong("two texts", "text behind", release(signed + signed))
        detached = signed.replace(b"\n\n", b"\nOrigin: Evil\n\n", 1)
        yield _Wrong("text in the head", "may", release(detached))
        for path in ("../../etc/passwd", "/etc/passwd", "pool/../../x.deb", "http://other.example/x.deb"):
            index = _stanza(self._deb, filename=path).encode()
            yield _Wrong(f"filename {path.replace('/', '_').replace(':', '')}", "outside of the archive", self._files(index=index))
        yield _Wrong("huge index", "no index with more than", release(self._keys.sign(self._release(size=HUGE))))
        yield _Wrong("endless line", "says more of a package", self._files(index=b"x" * LINE))
        yield _Wrong("bomb", "says more of a package", self._files(index=b"\0" * (64 << 20)))
        lacks = _stanza(self._deb, depends="libc6 (>= 9.0)").encode()
        yield _Wrong("needs more", "needs `libc6 (>= 9.0)`", self._files(index=lacks))
        yield _Wrong("other architecture", "no archive of its apt has", self._files(index=_stanza(self._deb, arch="s390x").encode()))
        yield _Wrong("other package", "it is no package of Debian", self._files(deb=b"!<arch>\n"))
        yield _Wrong("trusting", "trusted=yes", files, tag=TRUSTING)
        yield _Wrong("trickling", "more slowly", files, {in_release: _trickling})
        yield _Wrong("endless", "more bytes than it may have", files, {in_release: _endless})
        yield _Wrong("to a file", "does not follow", files, {in_release: _leading("file:///etc/passwd")})
        yield _Wrong("in a circle", "too many redirects", files, {in_release: _leading(f"/debian/{in_release}")})

    def _files(
        self,
        index: bytes | None = None,
        packed: tuple[str, ...] = (".xz", ".gz"),
        deb: bytes | None = None,
        signer: str = "good",
        by_hash: bool = True,
    ) -> Files:
        """An archive. The index is there in all forms, and listed in those of `packed`."""
        deb = self._deb if deb is None else deb
        plain = _stanza(deb).encode() if index is None else index
        forms = {"": plain, ".xz": lzma.compress(plain), ".gz": gzip.compress(plain, mtime=0)}
        named = {f"{INDEX}{ending}": forms[ending] for ending in packed}
        files = {POOL: deb, f"{FOLDER}/InRelease": self._keys.sign(self._release(named, by_hash=by_hash), signer)}
        for path, content in named.items():
            files[f"{FOLDER}/{path}"] = content
            if by_hash:
                files[f"{FOLDER}/{Path(path).parent}/by-hash/SHA256/{hashlib.sha256(content).hexdigest()}"] = content
        return files

    def _release(
        self,
        named: Files | None = None,
        suite: str = SUITE,
        date: int = 0,
        valid: int = DAY,
        by_hash: bool = True,
        size: int | None = None,
    ) -> str:
        """Times are seconds from now."""
        if named is None:
            named = {f"{INDEX}.xz": lzma.compress(_stanza(self._deb).encode())}
        now = time.time()
        told = {"Origin": "Test", "Suite": suite, "Codename": suite, "Date": _date(now - 1 + date), "Valid-Until": _date(now + valid)}
        told["Acquire-By-Hash"] = "yes" if by_hash else "no"
        lines = [f" {hashlib.sha256(content).hexdigest()} {len(content) if size is None else size} {path}" for path, content in named.items()]
        return "".join(f"{name}: {value}\n" for name, value in told.items()) + "SHA256:\n" + "\n".join(lines) + "\n"


def _date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True).replace("GMT", "UTC")


def _stanza(deb: bytes, version: str = "5.3.0-1", depends: str = "libc6 (>= 2.34)", filename: str = POOL, arch: str = ARCH) -> str:
    told = {
        "Package": "libjemalloc2",
        "Version": version,
        "Architecture": arch,
        "Depends": depends,
        "Filename": filename,
        "Size": str(len(deb)),
        "SHA256": hashlib.sha256(deb).hexdigest(),
    }
    return "".join(f"{name}: {value}\n" for name, value in told.items())


def _part(base: Path) -> bytes:
    """What of an image decides about libraries: all of it would be read again in each case."""
    packed = io.BytesIO()
    with tarfile.open(base) as tar, tarfile.open(fileobj=packed, mode="w") as part:
        for member in tar:
            if not member.isfile():
                part.addfile(member)
            elif member.name.startswith(KEPT):
                part.addfile(member, tar.extractfile(member))
    return packed.getvalue()


def _package(base: Path) -> bytes:
    """The one that the image's own packages have."""
    with tarfile.open(base) as tar:
        for member in tar:
            if member.name.startswith("./var/lib/debian/pool/libjemalloc2_"):
                found = tar.extractfile(member)
                if found:
                    return found.read()
    raise BuildError(f"{base} has no libjemalloc2")
