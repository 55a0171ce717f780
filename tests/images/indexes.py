"""An index of two platforms, with what BuildKit puts beside them: each is judged as it is alone, and no more is fetched than is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

from judge import Answer
from layout import Layout
from places import Place
from subjects import Subject
from world import World

NAME = "index/both:1"


def check(world: World, subjects: list[tuple[Subject, str]]) -> list[str]:
    """`subjects`: one for each platform, each with the variant that is taken."""
    layout, alone = _build(world, subjects)
    faults = []
    for place in _places(world, layout):
        reference, platforms = place.references["all"], [f"linux/{subject.arch}" for subject, _ in subjects]
        answers = {"all": world.judge.ask(reference, environment=place.environment)}
        answers |= {platform: world.judge.ask(reference, f"--platform={platform}", environment=place.environment) for platform in platforms}
        faults += [f"{place.name} ({reference}): {fault}" for fault in _compare(answers, alone)]
    return [*faults, *_fetched(world, layout, subjects)]


def _compare(answers: dict[str, Answer], alone: dict[str, Answer]) -> Iterator[str]:
    for platform, single in alone.items():
        for asked in ("all", platform):
            answer = answers[asked].of(platform)
            if not answer.same(single):
                yield f"{platform} of {asked}: {answer}; alone: {single}"
    for platform in alone:
        others = [other for other in alone if other != platform and answers[platform].of(other).verdicts]
        yield from (f"--platform={platform} judges {other}, too" for other in others)
    if answers["all"].notes.count("attestation-manifest") != len(alone):
        yield f"the attestations are not named: {answers['all'].notes!r}"


def _fetched(world: World, layout: Layout, subjects: list[tuple[Subject, str]]) -> list[str]:
    """Whoever asks for one platform fetches nothing of the other one."""
    plain = world.network.kinds["plain"]
    faults = []
    for subject, variant in subjects:
        mark = plain.mark()
        world.judge.ask(world.network.reference("plain", NAME), f"--platform=linux/{subject.arch}")
        manifest = layout.read(layout.tagged(f"{subject.arch}-{variant}"))
        own = {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        fetched = plain.blobs(mark)
        if set(fetched) != own or len(fetched) != len(own):
            faults.append(f"linux/{subject.arch}: fetched {sorted(fetched)}, and its blobs are {sorted(own)}")
    return faults


def _build(world: World, subjects: list[tuple[Subject, str]]) -> tuple[Layout, dict[str, Answer]]:
    folder = world.folder("index")
    for subject, variant in subjects:
        world.tools.skopeo(f"oci:{world.layout(subject)}:{variant}", f"oci:{folder}/layout:{subject.arch}-{variant}")
    layout = Layout(folder / "layout")
    images, beside, alone = [], [], {}
    for subject, variant in subjects:
        tag = f"{subject.arch}-{variant}"
        alone[f"linux/{subject.arch}"] = world.judge.ask(f"oci:{layout.folder}:{tag}")
        known = {key: value for key, value in layout.tagged(tag).items() if key in ("mediaType", "digest", "size")}
        images.append({**known, "platform": {"os": "linux", "architecture": subject.arch}})
        beside.append(layout.attestation(images[-1]))
    layout.tag("both", layout.index([*images, *beside]))
    return layout, alone


def _places(world: World, layout: Layout) -> Iterator[Place]:
    folder = layout.folder.parent
    yield Place("oci", {"all": f"oci:{layout.folder}:both"})
    yield Place("oci-archive", {"all": f"oci-archive:{_packed(world, layout, folder / 'both.tar')}:both"})
    world.tools.skopeo(f"oci:{layout.folder}:both", f"oci:{folder}/copied:both", "--all")
    yield Place("skopeo, oci", {"all": f"oci:{folder}/copied:both"})
    world.network.push(layout.folder, "both", NAME, "--all")
    for kind in ("plain", "token"):
        yield Place(f"skopeo, a registry, {kind}", {"all": world.network.reference(kind, NAME)}, world.network.environment(kind))


def _packed(world: World, layout: Layout, archive: Path) -> Path:
    world.tools.run("tar", "-C", str(layout.folder), "-cf", str(archive), ".")
    return archive
