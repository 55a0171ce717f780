"""Writes layouts of OCI, byte by byte: what tools that build images would not write."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any, Mapping

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
TAG = "org.opencontainers.image.ref.name"
# How BuildKit marks what says something of another image of the index.
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}
STATEMENT = "application/vnd.in-toto+json"
Descriptor = dict[str, Any]


class Layout:
    """A folder in that layout, or one that others wrote, to which images are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = folder / "index.json"
        if not self._index.exists():
            (folder / "blobs/sha256").mkdir(parents=True)
            (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
            self._write_index([])

    def blob(self, content: bytes, kind: str) -> Descriptor:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    def layer(self, archive: bytes) -> tuple[Descriptor, str]:
        """A layer, compressed, and what it comes to without that."""
        packed = gzip.compress(archive, compresslevel=1, mtime=0)
        return self.blob(packed, f"{LAYER}+gzip"), f"sha256:{hashlib.sha256(archive).hexdigest()}"

    def image(self, layers: list[tuple[Descriptor, str]], arch: str, started: Mapping[str, Any]) -> Descriptor:
        """An image of these layers, from below, and of what its containers start with."""
        unpacked = [digest for _, digest in layers]
        config = {"os": "linux", "architecture": arch, "config": started, "rootfs": {"type": "layers", "diff_ids": unpacked}}
        return self._manifest(self._json(config, CONFIG), [layer for layer, _ in layers], {"os": "linux", "architecture": arch})

    def parts(self, tag: str) -> tuple[list[tuple[Descriptor, str]], dict[str, Any]]:
        """Its layers, from below, each with what it comes to when it is unpacked, and its configuration."""
        manifest = self.read(self.tagged(tag))
        config = self.read(manifest["config"])
        return list(zip(manifest["layers"], config["rootfs"]["diff_ids"])), config

    def variant(self, tag: str, name: str, environment: Mapping[str, str], **started: Any) -> None:
        """Tags an image with the files of another one, and with more in its environment."""
        layers, config = self.parts(tag)
        kept = [pair for pair in config["config"]["Env"] if pair.partition("=")[0] not in environment]
        told = [*kept, *(f"{variable}={value}" for variable, value in environment.items())]
        self.tag(name, self.image(layers, config["architecture"], {**config["config"], "Env": told, **started}))

    def index(self, images: list[Descriptor]) -> Descriptor:
        return self._json({"schemaVersion": 2, "mediaType": INDEX, "manifests": images}, INDEX)

    def attestation(self, image: Descriptor) -> Descriptor:
        """What BuildKit puts beside an image: where it comes from."""
        subject = {"name": "an image", "digest": {"sha256": image["digest"].partition(":")[2]}}
        statement = self._json({"_type": "https://in-toto.io/Statement/v0.1", "subject": [subject], "predicate": {}}, STATEMENT)
        config = {"os": "unknown", "architecture": "unknown", "config": {}, "rootfs": {"type": "layers", "diff_ids": [statement["digest"]]}}
        manifest = self._manifest(self._json(config, CONFIG), [statement], {"os": "unknown", "architecture": "unknown"})
        return {**manifest, "annotations": {**ATTESTATION, "vnd.docker.reference.digest": image["digest"]}}

    def tag(self, name: str, root: Descriptor) -> None:
        kept = [entry for entry in self.read_index() if (entry.get("annotations") or {}).get(TAG) != name]
        self._write_index([*kept, {**root, "annotations": {TAG: name}}])

    def tagged(self, name: str) -> Descriptor:
        return next(entry for entry in self.read_index() if (entry.get("annotations") or {}).get(TAG) == name)

    def read(self, descriptor: Descriptor) -> dict[str, Any]:
        return json.loads((self.folder / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes())

    def read_index(self) -> list[Descriptor]:
        return json.loads(self._index.read_bytes())["manifests"]

    def _manifest(self, config: Descriptor, layers: list[Descriptor], platform: Mapping[str, str]) -> Descriptor:
        content = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        return {**self._json(content, MANIFEST), "platform": dict(platform)}

    def _json(self, content: Mapping[str, Any], kind: str) -> Descriptor:
        return self.blob(json.dumps(content).encode(), kind)

    def _write_index(self, entries: list[Descriptor]) -> None:
        self._index.write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
