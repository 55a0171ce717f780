"""What may be said to the loader, against the loader itself: each time the image is judged, and its Python is started in the root that umoci unpacks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import archive
import compiler
import rooted
from judge import Answer
from layout import Layout
from rooted import Start, Started
from subjects import CONF, OTHER, TRIPLETS, Subject
from world import World

LIBRARY = "libjemalloc.so.2"
# FOUND stands for where the library is, LIBRARY for its name, OWN and OTHER for the folder of this architecture and of another one.
PATHS = """
FOUND LIBRARY libjemalloc.so libjemalloc.so.1 FOUND.0
/usr/lib/OWN/LIBRARY /lib/OWN/LIBRARY /usr/lib/LIBRARY /lib/LIBRARY /usr/lib64/LIBRARY /usr/local/lib/LIBRARY
/usr/lib/OTHER/LIBRARY /usr/lib/OWN/libjemalloc.so /usr/lib/OWN/libjemalloc.so.1
/opt/good/LIBRARY /opt/text/LIBRARY /opt/empty/LIBRARY /opt/good/deep/er/LIBRARY /opt/link/LIBRARY /opt/far/LIBRARY /opt/broken/LIBRARY
/opt/loop/LIBRARY /opt/out/LIBRARY /opt/folder/LIBRARY /opt/by/LIBRARY /opt/away/er/LIBRARY /opt/none/LIBRARY
/opt/good/../good/LIBRARY /opt/none/../good/LIBRARY /opt/./good//LIBRARY //opt/good/LIBRARY /opt/away/../LIBRARY /opt/good /opt/good/
/usr/bin/../$LIB/LIBRARY /opt/usr/$LIB/LIBRARY $ORIGIN/../$LIB/LIBRARY /opt/good/LIBRARY/ /opt/good/LIBRARY/. /opt/caps/LIBJEMALLOC.SO.2
/usr/$LIB/LIBRARY /usr/${LIB}/LIBRARY /usr/lib/$PLATFORM-linux-gnu/LIBRARY $ORIGIN/../lib/OWN/LIBRARY /usr/lib/$ARCH/LIBRARY
"""
# A list without entries is how preloading is switched off: nothing is loaded, and nobody misses it.
OFF = ["", ":", " "]
LISTS = ["FOUND:FOUND", "FOUND:", ":FOUND", "LIBRARY:", " FOUND", "FOUND ", "FOUND\t", "FOUND\r", "FOUND\n", "FOUND\tx", "FOUND,", "FOUND;", '"FOUND"', "'FOUND'"]
# musl's loader says nothing of what it passes over, and loads what is for other machines; where nothing is preloaded, nothing is missed there.
GLIBC = ["/opt/foreign/LIBRARY", "/opt/none/LIBRARY:FOUND", "/opt/none/LIBRARY FOUND", "libm.so.6:FOUND", "libnothing.so FOUND"]
INSIDE = [("/opt", "good/LIBRARY"), ("/opt", "./good/LIBRARY"), ("/opt/good", "./LIBRARY"), ("/opt/link", "../good/LIBRARY"), ("/opt/good", "LIBRARY")]
FILES = ["FOUND", "FOUND\n", "\n  FOUND\n\n", "# one\nFOUND\n", "/opt/none/LIBRARY\n", "FOUND:libm.so.6\n", "LIBRARY\n", "/opt/text/LIBRARY\n"]
FILES_GLIBC = ["# FOUND\n", ""]


@dataclass(frozen=True)
class Preload:
    """What `LD_PRELOAD` says, or /etc/ld.so.preload, and the folder in which the program starts."""

    value: str | None
    folder: str = "/"
    file: str | None = None

    def __str__(self) -> str:
        if self.file is not None:
            return f"/etc/ld.so.preload with {self.file!r}"
        return "no LD_PRELOAD" if self.value is None else f"LD_PRELOAD={self.value!r} in {self.folder}"

    def environment(self, others: dict[str, str]) -> dict[str, str]:
        told = {name: value for name, value in others.items() if name != "LD_PRELOAD"}
        return {**told, **({} if self.value is None else {"LD_PRELOAD": self.value})}


def check(world: World, subject: Subject) -> list[str]:
    layout, root = _prepare(world, subject)
    found = next(path for path in (f"/usr/lib/{TRIPLETS[subject.arch]}/{LIBRARY}", f"/usr/lib/{LIBRARY}") if (root / path.lstrip("/")).exists())
    preloads = _preloads(subject.arch, found, musl=subject.name == "alpine")
    base = world.environment(layout.folder, "more")
    seen = rooted.start(root, [Start(subject.start, one.environment(base), one.folder, one.file) for one in preloads])
    for number, one in enumerate(preloads):
        _tag(layout, subject, one, one.environment(base), f"preload-{number}")
    answers = world.judge.ask_all([f"oci:{layout.folder}:preload-{number}" for number in range(len(preloads))])
    compared = ((one, _disagreement(one, started, answer)) for one, started, answer in zip(preloads, seen, answers.values()))
    return [f"{one}: {fault}" for one, fault in compared if fault]


def _disagreement(one: Preload, started: Started, answer: Answer) -> str | None:
    """Of several names each has to be loaded: what the loader passes over is to be found, whatever else it loads."""
    if started.code != 0:
        return f"nothing runs: {started.errors.strip()}"
    loaded = started.has("jemalloc")
    passed_over = [line for line in started.errors.splitlines() if "ERROR: ld.so" in line and "libjemalloc" in line]
    if one.value in OFF:
        off = any("is empty: nothing is preloaded" in verdict for verdict in answer.verdicts)
        return None if off and not loaded else f"jemalloc is {'' if loaded else 'not '}loaded, but: {answer}"
    if (loaded and not passed_over) == answer.loads:
        return None
    said = f" ({started.errors.strip().splitlines()[0]})" if started.errors.strip() else ""
    return f"jemalloc is {'' if loaded else 'not '}loaded{said}, but: {answer}"


def _prepare(world: World, subject: Subject) -> tuple[Layout, Path]:
    """The right variant, with libraries in many places besides."""
    folder = world.folder(f"{subject.name}-preloads")
    world.tools.skopeo(f"oci:{world.layout(subject)}:right", f"oci:{folder}/layout:right")
    layout = Layout(folder / "layout")
    right = world.tools.unpack(layout.folder, "right", folder / "right")
    library = next(path for path in right.glob(f"usr/lib/**/{LIBRARY}")).read_bytes()
    layers, config = layout.parts("right")
    started = {**config["config"], "Entrypoint": [], "Cmd": ["gunicorn", "app:app"]}
    layout.tag("more", layout.image([*layers, layout.layer(_more(library, subject.arch))], subject.arch, started))
    return layout, world.tools.unpack(layout.folder, "more", folder / "root")


def _tag(layout: Layout, subject: Subject, preload: Preload, environment: dict[str, str], name: str) -> None:
    """The same files with that in the configuration, or in a file of a further layer."""
    layers, config = layout.parts("more")
    if preload.file is not None:
        layers.append(layout.layer(archive.pack({"etc/ld.so.preload": preload.file.encode()})))
    told = [f"{variable}={value}" for variable, value in {**environment, "MALLOC_CONF": CONF}.items()]
    layout.tag(name, layout.image(layers, subject.arch, {**config["config"], "Env": told, "WorkingDir": preload.folder}))


def _more(library: bytes, arch: str) -> bytes:
    """Good libraries, bad ones, and ways to them."""
    contents = {"good": library, "foreign": compiler.foreign(library, arch), "text": b"nothing that is loaded\n", "empty": b"", "good/deep/er": library}
    links = {"link": f"../good/{LIBRARY}", "far": f"/opt/link/{LIBRARY}", "broken": "../good/nothing.so", "loop": LIBRARY}
    links["out"] = f"../../../../../../../../opt/good/{LIBRARY}"
    files = {f"opt/{folder}/{LIBRARY}": content for folder, content in contents.items()}
    files["opt/caps/LIBJEMALLOC.SO.2"] = library
    ways = {f"opt/{folder}/{LIBRARY}": target for folder, target in links.items()}
    return archive.pack(files, {**ways, "opt/by": "good", "opt/usr": "/usr", "opt/away": "/opt/good/deep"}, [f"opt/folder/{LIBRARY}"])


def _preloads(arch: str, found: str, musl: bool) -> list[Preload]:
    words = {"FOUND": found, "LIBRARY": LIBRARY, "OWN": TRIPLETS[arch], "OTHER": TRIPLETS[OTHER[arch]]}

    def filled(text: str) -> str:
        return re.sub("|".join(words), lambda word: words[word[0]], text)

    values = [*PATHS.split(), *LISTS, *([] if musl else [*OFF, *GLIBC])]
    files = [*FILES, *([] if musl else FILES_GLIBC)]
    preloads = [Preload(filled(value)) for value in [*values, found.upper()]]
    preloads += [Preload(filled(value), folder) for folder, value in INSIDE]
    preloads += [Preload(None, file=filled(file)) for file in files]
    return preloads if musl else [Preload(None), *preloads]
