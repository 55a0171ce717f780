"""Where `malloclint image patch` brings what it writes: to registries, which get what they do not have and nothing else, and to engines."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from typing import Iterator, Mapping

import patching
import rooted
from patching import PATIENCE, TAG, Patching
from world import World

# So many runs are killed while they push.
KILLS = 12


def check(world: World) -> list[str]:
    own = patching.subject("amd64")
    work = Patching(world, own)
    world.network.push(work.layout, TAG, "base/app:1")
    faults = [fault for kind in world.network.kinds for fault in _pushed(world, work, kind)]
    faults += _run_by_others(world, work, own.start)
    faults += _killed(world, work)
    return [*faults, *_loaded(world, work, own.start)]


def _source(world: World, kind: str) -> str:
    return world.network.reference(kind, "base/app:1")


def _in_layout(work: Patching, source: str, environment: Mapping[str, str]) -> str:
    """What it must come to: the image names in its manifest where it came from."""
    return work.patch(f"oci:{work.folder / 'expected'}:{TAG}", source, environment)


def _pushed(world: World, work: Patching, kind: str) -> Iterator[str]:
    """The image's own layers are mounted: all that is sent are a layer, a configuration and a manifest."""
    registry, environment = world.network.kinds[kind], world.network.environment(kind)
    target = world.network.reference(kind, f"patched/{kind}:1")
    expected = _in_layout(work, _source(world, kind), environment)
    mark = registry.mark()
    digest = work.patch(target, _source(world, kind), environment=environment)
    if digest != expected:
        yield f"{kind}: another digest than in a layout: {digest}, {expected}"
    sent = [line for line in registry.written(mark) if line.startswith("PUT")]
    if len([line for line in sent if "/blobs/uploads/" in line]) != 2 or len([line for line in sent if "/manifests/" in line]) != 1:
        yield f"{kind}: {sent}"
    if "/manifests/1" not in sent[-1]:
        yield f"{kind}: the manifest is not the last: {sent[-1]}"
    answer = world.judge.ask(target, environment=environment)
    if answer.code != 0 or not answer.loads:
        yield f"{kind}: image check: {answer}"
    mark = registry.mark()
    if work.patch(target, target, environment=environment) != expected:
        yield f"{kind}: patched where it lies, it is another"
    again = [line for line in registry.written(mark) if line.startswith("PUT") and "/blobs/" in line]
    if again:
        yield f"{kind}: sent again: {again}"


def _run_by_others(world: World, work: Patching, start: list[str]) -> Iterator[str]:
    """What docker's own client of registries makes of it."""
    folder = work.folder / "pulled"
    plain = world.network.reference("plain", "patched/plain:1")
    world.tools.run("skopeo", "inspect", "--tls-verify=false", plain)
    world.tools.skopeo(plain, f"oci:{folder}:{TAG}", "--src-tls-verify=false")
    root = world.tools.unpack(folder, TAG, work.folder / "pulled-bundle")
    started = rooted.start(root, [rooted.Start(start, world.environment(folder, TAG))])[0]
    yield from patching.fault("pulled by skopeo", started)


def _killed(world: World, work: Patching) -> Iterator[str]:
    """The tag leads to the old image or to the new one, and each is whole."""
    chance, seen, takes = random.Random(2), set(), 1.0
    for number in range(KILLS + 1):
        name = f"killed/app{number}:1"
        world.network.push(work.layout, TAG, name)
        target = world.network.reference("plain", name)
        old, new = _digest(world, target), _in_layout(work, target, {})
        began = time.monotonic()
        running = subprocess.Popen(work.command(target, target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if number == 0:
            running.wait(PATIENCE)
            takes = time.monotonic() - began
        else:
            time.sleep(chance.uniform(takes * 0.3, takes * 1.1))
            running.send_signal(signal.SIGKILL)
            running.wait()
        now = _digest(world, target)
        seen.add("old" if now == old else "new" if now == new else now)
        world.tools.run("skopeo", "copy", "--src-tls-verify=false", target, f"dir:{work.folder / 'whole'}")
    if not seen <= {"old", "new"}:
        yield f"killed while it pushed: {seen}"
    if seen != {"old", "new"}:
        yield f"all were killed on one side: {seen}"


def _digest(world: World, reference: str) -> str:
    return world.tools.run("skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", reference).strip()


def _loaded(world: World, work: Patching, start: list[str]) -> Iterator[str]:
    """Into an engine."""
    engine = world.engine("amd64")
    name = "localhost/images/patched:daemon"
    work.patch(f"docker-daemon:{name}", environment={"DOCKER_HOST": f"unix://{engine.socket}"})
    done = world.store("amd64").run(name, start)
    yield from patching.fault("docker-daemon", rooted.Started(done.code, rooted.files_of(done.out), done.err))
