"""The image of hundreds of layers: where a library is in the end, says umoci that unpacks it, dockerd that runs it, and the loader in it."""

from __future__ import annotations

import random
import re
import tarfile
from pathlib import Path
from typing import Iterable

import archive
import compiler
import rooted
import whiteouts
from judge import Answer
from layout import Layout
from rooted import Start
from subjects import CONF
from whiteouts import Chance, Contents
from world import World

# Of Debian: what a loader and a program need, and what says which Debian it is.
FILES = ["usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/bin/cat"]
FILES += ["usr/lib/os-release", "etc/os-release", "var/lib/dpkg/status"]
FOLDERS = [
    "etc",
    "opt",
    "proc",
    "usr",
    "usr/bin",
    "usr/lib",
    "usr/lib/x86_64-linux-gnu",
    "usr/lib64",
    "usr/local",
    "usr/local/lib",
    "var",
    "var/lib",
    "var/lib/dpkg",
]
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "usr/bin/python3": "python3.11"}
STARTED = {"Env": ["PATH=/usr/bin"], "Cmd": ["gunicorn", "app:app"]}
# No engine runs an image of more than 127 layers.
VERY_MANY, FEW = 300, 60
LIBRARY = "int a_library;"
# The script that starts it is written anew by layers: what it sets says which of them counts.
SCRIPT = "#!/bin/sh\nexport MALLOC_CONF=narenas:2,of_layer_{number}:1\nexec gunicorn app:app\n"


def check(world: World, many: Iterable[int], few: Iterable[int], most: int | None = None) -> list[str]:
    """By the numbers that begin a series of chances: images of very many layers, and such that an engine runs, too."""
    wanted = [(seed, VERY_MANY) for seed in many] + [(seed, FEW) for seed in few]
    return [f"seed {seed}, {layers} layers: {fault}" for seed, layers in wanted for fault in _one(world, seed, layers, most)]


def _one(world: World, seed: int, number: int, most: int | None) -> list[str]:
    """`most`: of so many paths."""
    layout, by_layers = _build(world, seed, number)
    root = world.tools.unpack(layout.folder, "all", layout.folder.parent / "root")
    # Through links, too.
    made = sorted([f"/{path}" for path in by_layers] + [f"/lib/{name}" for name in whiteouts.NAMES])
    paths = sorted(random.Random(seed).sample(made, min(most or len(made), len(made))))
    seen = rooted.start(root, [Start(["/usr/bin/python3", "/proc/self/maps"], {"LD_PRELOAD": path}) for path in paths])
    loaded = {path: started.has("jemalloc") for path, started in zip(paths, seen)}
    there = {path: begins is not None for path, begins in rooted.present(root, made).items()}
    return [*_judged(world, layout, paths, loaded, there), *_script(world, layout, root), *(_by_engine(world, layout, there) if number == FEW else [])]


def _judged(world: World, layout: Layout, paths: list[str], loaded: dict[str, bool], there: dict[str, bool]) -> list[str]:
    """Each path is named to the loader, and has to be judged as the loader does it."""
    for at, path in enumerate(paths):
        layout.variant("all", f"path-{at}", {"LD_PRELOAD": path, "MALLOC_CONF": CONF})
    answers = world.judge.ask_all([f"oci:{layout.folder}:path-{at}" for at in range(len(paths))])
    faults = []
    for path, answer in zip(paths, answers.values()):
        if answer.loads != loaded[path]:
            faults.append(f"{path} is {'' if there[path] else 'not '}there and {'' if loaded[path] else 'not '}loaded, but: {answer}")
        faults += [f"{path}: `{other}` is not there: {answer}" for other in _named(answer) if other != path and not there.get(other, True)]
    return faults


def _named(answer: Answer) -> list[str]:
    """The paths at which the library is said to be."""
    return [path for finding in answer.findings for path in re.findall(r"`(/[^`]*libjemalloc[^`]*)`", finding)]


def _script(world: World, layout: Layout, root: Path) -> list[str]:
    """The script that counts is the one that is there in the end."""
    layout.variant("all", "script", {"LD_PRELOAD": "", "MALLOC_CONF": CONF}, Entrypoint=["/srv/start.sh"], Cmd=None)
    wanted = re.search(r"of_layer_[0-9]+", (root / "srv/start.sh").read_text())
    answer = world.judge.ask(f"oci:{layout.folder}:script")
    said = sorted(set(re.findall(r"of_layer_[0-9]+", " ".join(answer.findings))))
    return [] if wanted and said == [wanted[0]] else [f"the script sets {wanted and wanted[0]}, but: {answer}"]


def _by_engine(world: World, layout: Layout, there: dict[str, bool]) -> list[str]:
    """What dockerd makes of it: where that is not what umoci makes of it, neither says what is right."""
    engine = world.engine("amd64")
    name, folder = "localhost/images/layers:all", layout.folder.parent
    world.tools.skopeo(f"oci:{layout.folder}:all", f"docker-archive:{folder}/image.tar:{name}")
    engine.must("load", "--quiet", f"--input={folder}/image.tar")
    container = engine.must("create", name).strip()
    engine.must("export", f"--output={folder}/exported.tar", container)
    engine.must("rm", container)
    engine.must("rmi", name)
    exported = folder / "exported"
    exported.mkdir()
    world.tools.run("tar", "-C", str(exported), "-xf", f"{folder}/exported.tar")
    own = {path: begins is not None for path, begins in rooted.present(exported, list(there)).items()}
    return [f"dockerd and umoci differ: {path} is there for {'dockerd' if own[path] else 'umoci'} alone" for path in there if own[path] != there[path]]


def _build(world: World, seed: int, number: int) -> tuple[Layout, set[str]]:
    """The image, and all paths that any of its layers made."""
    folder = world.folder(f"layers-{seed}-{number}")
    layout = Layout(folder / "layout")
    chance = Chance(seed, _contents(), strange=number == VERY_MANY)
    layers = [layout.layer(_base(world.archive("bookworm", "amd64")))]
    for at in range(1, number):
        script = SCRIPT.format(number=at) if at == 1 or at % 7 == 0 else None
        layers.append(layout.layer(chance.layer({"srv/start.sh": script.encode()} if script else {})))
    layout.tag("all", layout.image(layers, "amd64", STARTED))
    return layout, chance.made


def _contents() -> Contents:
    right = compiler.library(LIBRARY)
    return Contents(right, compiler.foreign(right, "amd64"))


def _base(base: Path) -> bytes:
    """Just so much that a program runs: `cat`, which prints what it is told to, is called Python."""
    files, links = {}, dict(LINKS)
    with tarfile.open(base) as tar:
        for path in FILES:
            member = tar.getmember(f"./{path}")
            content = tar.extractfile(member) if member.isreg() else None
            if content:
                files[path] = content.read()
            else:
                links[path] = member.linkname
    files["usr/bin/python3.11"] = files["usr/bin/cat"]
    return archive.pack(files, links, FOLDERS)
