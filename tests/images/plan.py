"""All checks by their names, with what each needs of the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

import access
import building
import caches
import checks
import indexes
import layers
import lists
import mirrors
import patching
import preloads
import pushing
import statics
import subjects
from subjects import Subject
from world import World

Check = Callable[[World], list[str]]
# Those of tools.PACKAGES that each needs.
COPIES = ("skopeo", "umoci", "unshare", "nsenter", "setpriv")
SERVES = ("docker-registry", "htpasswd", "openssl", "setpriv", "skopeo")
COMPILES = ("gcc", "musl-gcc")
SAMPLED = ("right", "wrong")


@dataclass(frozen=True)
class Case:
    """`sample`: what of it is done in a minute together with the others."""

    name: str
    check: Check
    needs: tuple[str, ...]
    arch: str = "amd64"
    sample: Check | None = None


def cases(static: Path | None) -> list[Case]:
    """`static`: the program for a root without glibc."""
    everything = {subject.name: subject for subject in subjects.all_of_them()}
    both = [(everything["debian-12"], "right"), (everything["debian-12-arm64"], "wrong")]
    found = [
        Case("layers", lambda world: layers.check(world, many=[1, 2], few=range(3, 9)), (*COPIES, "gcc"), sample=_few_layers),
        Case("access", access.check, (*SERVES, *COMPILES, "unshare"), sample=access.check),
        Case("cache", caches.check, (*SERVES, *COMPILES), sample=caches.check),
        Case("from", lists.check, (*SERVES, *COMPILES)),
        Case("build", building.check_buildkit, SERVES, sample=building.check_buildkit),
        Case("build-others", building.check_others, ("podman", "buildah", "runc")),
        Case("patch", lambda world: patching.check(world, "amd64"), (*COPIES, "buildah"), sample=lambda world: patching.check(world, "amd64")),
        Case("patch-arm64", lambda world: patching.check(world, "arm64"), COPIES, "arm64"),
        Case("patch-push", pushing.check, (*COPIES, *SERVES), sample=pushing.check),
        Case("patch-apt", mirrors.check, ("gpg",), sample=mirrors.check),
        Case("patch-whole", patching.check_whole_or_not, COPIES),
        *(_places(subject) for subject in everything.values()),
        *(_preloads(subject) for subject in everything.values()),
        Case("index", lambda world: indexes.check(world, both), (*COPIES, *SERVES), "arm64"),
    ]
    if static:
        found.append(Case("static", lambda world: statics.check(world, static), (*SERVES, *COMPILES, "ip", "nsenter", "unshare")))
    return found


def _few_layers(world: World) -> list[str]:
    """Of those with so few layers this is the first in which every kind of change matters for what is there in the end."""
    return layers.check(world, many=[], few=[7], most=60)


def _places(subject: Subject) -> Case:
    """The smallest image with a real Python is the one of the sample."""
    needs = (*COPIES, *SERVES, "buildah", *(COMPILES if subject.name == "alpine" else ()))
    sampled = replace(subject, variants=lambda: [variant for variant in subject.variants() if variant.name in SAMPLED])
    sample: Check | None = (lambda world: checks.check(world, sampled, old=False)) if subject.name == "distroless" else None
    # An old engine takes no image of another architecture than its own.
    return Case(subject.name, lambda world: checks.check(world, subject, old=subject.arch == "amd64"), needs, subject.arch, sample)


def _preloads(subject: Subject) -> Case:
    needs = (*COPIES, *(COMPILES if subject.name == "alpine" else ()))
    return Case(f"preloads-{subject.name}", lambda world: preloads.check(world, subject), needs, subject.arch)
