"""How a registry is got at: whom it is that is trusted, and what is shown to whom. Each way has to lead to the image, or to a refusal that says why."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import registry
from judge import Answer
from network import login
from registry import NAME, PASSWORD, USER, Registry
from rooted import APART
from world import World

IMAGE = "small/app:right"
# /etc with some files in front, for one program alone.
WITHIN = 'mount -t overlay overlay -o "lowerdir=$1:/etc" /etc && shift && exec "$@"'
HELPER = """#!/bin/sh
[ "$1" = get ] || exit 1
read -r server
echo "$server" >> {log}
[ "$server" = {host} ] || {{ echo 'credentials not found in native keychain'; exit 1; }}
echo '{answer}'
"""


@dataclass(frozen=True)
class Way:
    """What is asked with which settings, and what comes of it: the image, or a word of the refusal."""

    name: str
    reference: str
    environment: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    refused: str | None = None


def check(world: World) -> list[str]:
    world.network.push(world.small.folder, "right", IMAGE)
    expected = world.judge.ask(f"oci:{world.small.folder}:right")
    ways = [*_trust(world), *_six(world), *_passwords(world), *_helpers(world), *_tokens(world), *_names(world)]
    faults = []
    for way in ways:
        answer = world.judge.ask(way.reference, *way.options, environment=way.environment, before=way.before)
        fault = _wrong(way, answer, expected)
        faults += [f"{way.name}: {fault}"] if fault else []
    return [*faults, *_asked(world)]


def _wrong(way: Way, answer: Answer, expected: Answer) -> str | None:
    said = answer.notes + " ".join(answer.findings + answer.verdicts)
    if any(secret in said for secret in (PASSWORD, login(USER, PASSWORD)["auth"])):
        return f"it prints the password: {answer}"
    if way.refused is None:
        return None if answer.same(expected) else f"{answer}; without a registry: {expected}"
    is_right = answer.code == 2 and way.refused in answer.notes and answer.notes.count("\n") == 1
    return None if is_right else f"no refusal of one line with `{way.refused}`: exit code {answer.code}: {answer.notes!r}"


def _six(world: World) -> list[Way]:
    """A registry at the other address of this machine, where it has one."""
    network = world.network
    server = Registry(network.folder, "six", network.folder / "storage", address="::1")
    if not server.can_listen():
        return []
    network.ends.callback(server.stop)
    server.start()
    return [Way("plain HTTP, ::1", f"docker://{server.host}/{IMAGE}")]


def _trust(world: World) -> list[Way]:
    network = world.network
    reference = network.reference("tls", IMAGE)
    ours, stranger = ({"SSL_CERT_FILE": str(path)} for path in (network.certificates.authority, network.certificates.stranger))
    host = network.kinds["tls"].host

    def certs(name: str, host: str, path: Path) -> list[str]:
        return _within(world, f"certs-{name}", {f"docker/certs.d/{host}/ca.crt": path})

    return [
        Way("HTTPS, SSL_CERT_FILE", reference, ours),
        Way("HTTPS, an authority that nobody knows", reference, refused="is not trusted"),
        Way("HTTPS, another authority", reference, stranger, refused="is not trusted"),
        Way("HTTPS, --insecure", reference, options=["--insecure"]),
        Way("HTTPS, certs.d", reference, before=certs("ours", host, network.certificates.authority)),
        Way("HTTPS, certs.d, another authority", reference, before=certs("stranger", host, network.certificates.stranger), refused="is not trusted"),
        Way("HTTPS, certs.d of another host", reference, before=certs("other", "other.example", network.certificates.authority), refused="is not trusted"),
        Way("plain HTTP", network.reference("plain", IMAGE)),
        Way("plain HTTP, localhost", f"docker://localhost:{network.kinds['plain'].port}/{IMAGE}"),
        Way("no such image", network.reference("plain", "small/nothing:1"), refused="small/nothing"),
        Way("no such tag", network.reference("plain", "small/app:nothing"), refused="nothing"),
        Way("a digest", _by_digest(world)),
        Way("nobody there", f"docker://127.0.0.1:{registry.free_port()}/{IMAGE}", refused="does not answer"),
    ]


def _by_digest(world: World) -> str:
    """Manifests keep their bytes on the way from a layout to a registry."""
    return world.network.reference("plain", f"small/app@{world.small.tagged('right')['digest']}")


def _passwords(world: World) -> list[Way]:
    network = world.network
    host, reference = network.kinds["basic"].host, network.reference("basic", IMAGE)
    trust = {"SSL_CERT_FILE": str(network.certificates.authority)}
    right, wrong = login(USER, PASSWORD), login(USER, "another")

    def of(name: str, config: dict) -> dict[str, str]:
        return {**trust, "DOCKER_CONFIG": str(network.logins(name, config))}

    def podman(name: str, auths: dict) -> dict[str, str]:
        return {**trust, "REGISTRY_AUTH_FILE": str(network.logins(name, {"auths": auths}) / "config.json")}

    home = world.folder("home-with-login")
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(json.dumps({"auths": {host: right}}))
    untrusted = {"DOCKER_CONFIG": str(network.logins("untrusted", {"auths": {host: right}}))}
    return [
        Way("a password, DOCKER_CONFIG", reference, of("right", {"auths": {host: right}})),
        Way("a password, as an address", reference, of("address", {"auths": {f"https://{host}/v2/": right}})),
        Way("a password, ~/.docker", reference, {**trust, "HOME": str(home)}),
        Way("a password, REGISTRY_AUTH_FILE", reference, podman("podman", {host: right})),
        Way("a password, of a part of the registry", reference, podman("part", {f"{host}/small": right, host: wrong})),
        Way("no password", reference, trust, refused=host),
        Way("a wrong password", reference, of("wrong", {"auths": {host: wrong}}), refused=host),
        Way("a password of another host", reference, of("other", {"auths": {"other.example": right}}), refused=host),
        Way("a password for whom nobody trusts", reference, untrusted, refused="is not trusted"),
        Way("settings that are none", reference, {**trust, "DOCKER_CONFIG": str(_broken(world))}, refused="config.json"),
    ]


def _broken(world: World) -> Path:
    folder = world.folder("logins-broken")
    (folder / "config.json").write_text("{")
    return folder


def _helpers(world: World) -> list[Way]:
    """Programs that keep passwords: one for all hosts, one for a host, and such that know nothing."""
    network = world.network
    host, reference = network.kinds["basic"].host, network.reference("basic", IMAGE)
    path = f"{_helper(world, 'store', host, PASSWORD)}:{_helper(world, 'liar', host, 'another')}:/usr/bin:/bin"
    trust = {"SSL_CERT_FILE": str(network.certificates.authority), "PATH": path}

    def of(name: str, config: dict) -> dict[str, str]:
        return {**trust, "DOCKER_CONFIG": str(network.logins(f"helper-{name}", config))}

    return [
        Way("credsStore", reference, of("store", {"credsStore": "store"})),
        Way("credHelpers", reference, of("helpers", {"credHelpers": {host: "store"}})),
        Way("credHelpers before credsStore", reference, of("both", {"credHelpers": {host: "store"}, "credsStore": "liar"})),
        Way("credHelpers of another host", reference, of("other", {"credHelpers": {"other.example": "store"}}), refused=host),
        Way("a helper with a wrong password", reference, of("liar", {"credsStore": "liar"}), refused=host),
        Way("a helper that is not there", reference, of("absent", {"credHelpers": {host: "nothing"}}), refused="docker-credential-nothing"),
    ]


def _helper(world: World, name: str, host: str, password: str) -> Path:
    folder = world.folder(f"helper-{name}")
    program = folder / f"docker-credential-{name}"
    answer = json.dumps({"ServerURL": host, "Username": USER, "Secret": password})
    program.write_text(HELPER.format(log=folder / "log", host=host, answer=answer))
    os.chmod(program, 0o755)
    return folder


def _tokens(world: World) -> list[Way]:
    network = world.network
    reference = network.reference("token", IMAGE)
    trust = {"SSL_CERT_FILE": str(network.certificates.authority)}
    wrong = network.logins("token-wrong", {"auths": {network.kinds["token"].host: login(USER, "another")}})
    return [
        Way("tokens", reference, network.environment("token")),
        Way("tokens, no password", reference, trust, refused=network.kinds["token"].host),
        Way("tokens, a wrong password", reference, {**trust, "DOCKER_CONFIG": str(wrong)}, refused=network.kinds["token"].host),
    ]


def _names(world: World) -> list[Way]:
    """By a name that is not this machine's: plain HTTP only where it is asked for."""
    network = world.network
    plain, secret = (f"docker://{NAME}:{network.kinds[kind].port}/{IMAGE}" for kind in ("plain", "tls"))
    hosts: dict[str, Path | str] = {"hosts": f"127.0.0.1 localhost {NAME}\n"}
    named = _within(world, "hosts", hosts)
    trusted = _within(world, "hosts-and-certs", {**hosts, f"docker/certs.d/{NAME}:{network.kinds['tls'].port}/ca.crt": network.certificates.authority})
    ours = {"SSL_CERT_FILE": str(network.certificates.authority)}
    return [
        Way("a name, HTTPS, SSL_CERT_FILE", secret, ours, before=named),
        Way("a name, HTTPS, certs.d", secret, before=trusted),
        Way("a name, HTTPS, nobody trusts it", secret, before=named, refused="is not trusted"),
        Way("a name, plain HTTP", plain, before=named, refused=NAME),
        Way("a name, plain HTTP, --insecure", plain, options=["--insecure"], before=named),
    ]


def _within(world: World, name: str, files: dict[str, Path | str]) -> list[str]:
    """What starts a program with these files in its /etc."""
    folder = world.folder(f"etc-{name}")
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else content.read_text())
    return [*APART, "sh", "-c", WITHIN, "sh", str(folder)]


def _asked(world: World) -> list[str]:
    """Of the server of tokens and of the helper: no more than is needed."""
    users = {user for user, _ in world.network.tokens.asked}
    scopes = {scope for _, scope in world.network.tokens.asked if scope.startswith("repository:small/")}
    faults = []
    if USER not in users or scopes != {"repository:small/app:pull"}:
        faults.append(f"tokens were asked for by {users}, for {scopes}")
    helped = set((world.work / "helper-store/log").read_text().split())
    if helped != {world.network.kinds["basic"].host}:
        faults.append(f"the helper was asked for {helped}")
    return faults
