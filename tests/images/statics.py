"""A static program in a root as Alpine's, without glibc and its settings: the names of registries come from /etc/hosts, and from a server of names."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Callable

import alpine
import names
import registry
from judge import Answer, Judge
from registry import NAME, Daemon, Registry
from world import World

# Known to a server of names alone.
ASKED = f"other.{NAME}"
PROGRAM = "malloclint"
IMAGE = "small/app:right"
MOST = 10.0  # seconds
# No network but its own: nothing outside is reached, and port 53 is free.
APART = ["unshare", "--net", "sh", "-c", "ip link set lo up && exec sleep infinity"]


def check(world: World, program: Path) -> list[str]:
    expected = world.judge.ask(f"oci:{world.small.folder}:right")
    world.network.push(world.small.folder, "right", IMAGE)
    root = _root(world, program)
    with ExitStack() as ends:
        inside = _namespace(world, ends)
        ports = {kind: _registry(world, kind, inside, ends) for kind in ("plain", "tls")}
        server = _names(world, inside, ends)
        ask = partial(Judge(Path("/", PROGRAM), Path("/root")).ask, before=[*inside, "chroot", str(root)])
        faults = [f"{way}: {answer}; outside: {expected}" for way, answer in _ways(ask, ports).items() if not answer.same(expected)]
        unknown = ask(f"docker://nobody.{NAME}:{ports['plain']}/{IMAGE}")
        faults += _unknown(unknown, server.log.read_text().splitlines())
        server.stop()
        return [*faults, *_alone(ask, ports["plain"], expected)]


def _ways(ask: Callable[..., Answer], ports: dict[str, int]) -> dict[str, Answer]:
    trust = {"SSL_CERT_FILE": "/ca.crt"}
    plain, secret = ports["plain"], ports["tls"]
    return {
        "an address": ask(f"docker://127.0.0.1:{plain}/{IMAGE}"),
        "a name of /etc/hosts, plain HTTP": ask(f"docker://{NAME}:{plain}/{IMAGE}", "--insecure"),
        "a name of /etc/hosts, HTTPS": ask(f"docker://{NAME}:{secret}/{IMAGE}", environment=trust),
        "a name of a server of names, plain HTTP": ask(f"docker://{ASKED}:{plain}/{IMAGE}", "--insecure"),
        "a name of a server of names, HTTPS": ask(f"docker://{ASKED}:{secret}/{IMAGE}", environment=trust),
    }


def _unknown(unknown: Answer, asked: list[str]) -> list[str]:
    faults = []
    if unknown.code != 2 or f"nobody.{NAME}" not in unknown.notes:
        faults.append(f"a name that nobody knows: {unknown}")
    if not any(line.startswith(f"{ASKED} ") for line in asked):
        faults.append(f"the server of names was asked for {sorted(set(asked))} alone")
    return faults


def _alone(ask: Callable[..., Answer], port: int, expected: Answer) -> list[str]:
    """Where no server of names is, what /etc/hosts says is not waited for."""
    started = time.monotonic()
    answer = ask(f"docker://{NAME}:{port}/{IMAGE}", "--insecure")
    took = time.monotonic() - started
    return [] if answer.same(expected) and took < MOST else [f"a name of /etc/hosts, without a server of names: {took:.0f} s: {answer}; outside: {expected}"]


def _root(world: World, program: Path) -> Path:
    root = world.folder("static-root")
    world.tools.run("tar", "-C", str(root), "-xf", "-", given=alpine.root(alpine.build(), jemalloc=None))
    shutil.copy(program, root / PROGRAM)
    shutil.copy(world.network.certificates.authority, root / "ca.crt")
    (root / "etc/hosts").write_text(f"127.0.0.1\tlocalhost {NAME}\n")
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    return root


def _namespace(world: World, ends: ExitStack) -> list[str]:
    """What starts a program in a network of its own."""
    holder = Daemon(APART, world.work / "network.log")
    ends.callback(holder.stop)
    holder.start()
    # `unshare` becomes the program that it starts.
    inside = ["nsenter", f"--net=/proc/{holder.number}/ns/net"]
    holder.wait_until(lambda: "lo" in world.tools.run(*inside, "ip", "-o", "link", "show", "up"))
    return inside


def _registry(world: World, kind: str, inside: list[str], ends: ExitStack) -> int:
    """It shows what is stored outside."""
    settings = registry.tls(world.network.certificates) if kind == "tls" else {}
    server = Registry(world.work, f"static-{kind}", world.network.folder / "storage", settings, before=inside)
    ends.callback(server.stop)
    server.start()
    return server.port


def _names(world: World, inside: list[str], ends: ExitStack) -> Daemon:
    server = Daemon([sys.executable, "-B", names.__file__, ASKED, "127.0.0.1"], world.work / "names.log", inside)
    ends.callback(server.stop)
    server.start()
    server.wait_until(lambda: ":53 " in world.tools.run(*inside, "ss", "-Hnlu"))
    return server
