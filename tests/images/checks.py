"""The same image is judged in the same way wherever it is, and as the engine, and the loader in its root, show it to be."""

from __future__ import annotations

import shutil
from typing import Iterator

import rooted
from judge import Answer
from places import Place
from rooted import APART, Start, Started
from subjects import Subject, Variant
from world import World

# A /run with the engine's socket, for one program alone.
USUAL = 'mount -t tmpfs tmpfs /run && ln -s "$1" /run/docker.sock && shift && exec "$@"'


def check(world: World, subject: Subject, old: bool = True) -> list[str]:
    """`old`: also as an engine of some years ago saves it."""
    faults: list[str] = []
    first: dict[str, Answer] = {}
    for place in _places(world, subject, old):
        answers = world.judge.ask_all(list(place.references.values()), environment=place.environment, before=place.before)
        for variant, reference in place.references.items():
            answer = answers[reference]
            known = first.setdefault(variant, answer)
            if not answer.same(known) or answer.code not in (0, 1):
                faults.append(f"{variant}, {place.name} ({reference}): {answer}; in the first place: {known}")
    for one in subject.variants():
        faults += [f"{one.name}: {fault}" for fault in _in_truth(world, subject, one, first[one.name])]
    return faults


def _in_truth(world: World, subject: Subject, variant: Variant, answer: Answer) -> Iterator[str]:
    """What runs says whether jemalloc is loaded; the verdict has to say the same."""
    layout = world.layout(subject)
    bundle = world.folder(subject.name) / "truth"
    root = world.tools.unpack(layout, variant.name, bundle)
    unpacked = rooted.start(root, [Start(subject.start, world.environment(layout, variant.name))])[0]
    shutil.rmtree(bundle)
    for what, seen in (("docker run", world.run(subject, variant)), ("in what umoci unpacks", unpacked)):
        fault = _disagreement(seen, variant, answer)
        if fault:
            yield f"{what}: {fault}"


def _disagreement(seen: Started, variant: Variant, answer: Answer) -> str | None:
    if not seen.files:
        return f"nothing runs: {seen.errors.strip()}"
    loaded = seen.has("jemalloc")
    said = f"jemalloc is {'' if loaded else 'not '}loaded"
    if loaded != variant.loads:
        return f"{said}, and that was not meant: {seen.errors.strip()}"
    return None if loaded == answer.loads else f"{said}, but: {answer}"


def _places(world: World, subject: Subject, old: bool) -> Iterator[Place]:
    maker = world.maker(subject)
    yield from maker.places()
    references = {variant: f"docker-daemon:{image}" for variant, image in maker.saved.images.items()}
    socket = world.engine(subject.arch).socket
    yield Place("docker-daemon", references, {"DOCKER_HOST": f"unix://{socket}"})
    yield Place("docker-daemon, where it usually is", references, before=(*APART, "sh", "-c", USUAL, "sh", socket))
    yield from _registries(world, subject)
    if old:
        yield from _old(world, subject)


def _registries(world: World, subject: Subject) -> Iterator[Place]:
    """What docker pushed, and what skopeo did: the manifests are of two kinds."""
    network, engine = world.network, world.engine(subject.arch)
    images = world.maker(subject).saved.images
    pushed = {}
    for variant, image in images.items():
        target = f"{network.kinds['plain'].host}/built/{subject.name}:{variant}"
        engine.must("tag", image, target)
        engine.must("push", "--quiet", target)
        engine.must("rmi", target)
        pushed[variant] = f"docker://{target}"
        network.push(world.layout(subject), variant, f"copied/{subject.name}:{variant}")
    yield Place("docker push, a registry", pushed)
    for kind in network.kinds:
        references = {variant: network.reference(kind, f"copied/{subject.name}:{variant}") for variant in images}
        yield Place(f"skopeo, a registry, {kind}", references, network.environment(kind))


def _old(world: World, subject: Subject) -> Iterator[Place]:
    saved = world.maker(subject).saved
    archive = world.folder(subject.name) / "saved-by-old.tar"
    world.old.must("load", "--quiet", f"--input={saved.archive}")
    world.old.must("save", f"--output={archive}", *saved.images.values())
    yield Place("docker save of an old engine", {variant: f"docker-archive:{archive}:{image}" for variant, image in saved.images.items()})
    references = {variant: f"docker-daemon:{image}" for variant, image in saved.images.items()}
    yield Place("docker-daemon, an old engine", references, {"DOCKER_HOST": f"unix://{world.old.socket}"})
    world.old.must("rmi", *saved.images.values())
