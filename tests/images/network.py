"""The registries that all images are put into: they share what they store, and ask for different things before they give it."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import registry
from registry import PASSWORD, USER, Certificates, Registry
from tokens import TokenServer
from tools import Tools


@dataclass
class Network:
    """Started at once; they end with the stack."""

    folder: Path
    tools: Tools
    ends: ExitStack
    kinds: dict[str, Registry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.certificates = Certificates(self.folder / "certificates", self.tools)
        self.tokens = TokenServer(self.certificates, self.tools)
        self.ends.callback(self.tokens.stop)
        secret = registry.tls(self.certificates)
        asks = registry.password(self.folder, self.tools)
        kinds = {"plain": {}, "tls": secret, "basic": {**secret, **asks}, "token": {**secret, **self.tokens.settings("127.0.0.1")}}
        for name, settings in kinds.items():
            self.kinds[name] = Registry(self.folder, name, self.folder / "storage", settings)
            self.ends.callback(self.kinds[name].stop)
            self.kinds[name].start()

    def push(self, layout: Path, tag: str, name: str, *options: str) -> None:
        """From a layout of OCI, into what all of them store."""
        self.tools.skopeo(f"oci:{layout}:{tag}", f"docker://{self.kinds['plain'].host}/{name}", "--dest-tls-verify=false", *options)

    def reference(self, kind: str, name: str) -> str:
        return f"docker://{self.kinds[kind].host}/{name}"

    def environment(self, kind: str) -> dict[str, str]:
        """What whoever asks it needs to be told."""
        told = {} if kind == "plain" else {"SSL_CERT_FILE": str(self.certificates.authority)}
        if kind in ("basic", "token"):
            told["DOCKER_CONFIG"] = str(self.logins(kind, {"auths": {self.kinds[kind].host: login(USER, PASSWORD)}}))
        return told

    def logins(self, name: str, config: dict) -> Path:
        """The folder of docker's own settings."""
        folder = self.folder / f"logins-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        return folder


def login(user: str, password: str) -> dict[str, str]:
    """As `docker login` writes it."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
