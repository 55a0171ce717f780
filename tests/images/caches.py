"""What `--cache` keeps: a second run asks for no blob, what is damaged is fetched again, what breaks off is gone on with. The registry's own log tells."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

from cutting import Cutter
from judge import Answer
from registry import Request
from world import World

NAME = "cache/app:1"
# What may happen to a file.
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte is another one": lambda content: content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :],
    "the second half is gone": lambda content: content[: len(content) // 2],
    "nothing is left": lambda content: b"",
    "more stands behind it": lambda content: content + b"\0",
}


class Cache:
    """A folder, an image, and what the registry is asked for because of them."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world, self.folder = world, folder
        self._plain = world.network.kinds["plain"]

    def ask(self) -> tuple[Answer, list[str]]:
        """The answer, and the blobs that the registry gave meanwhile."""
        mark = self._plain.mark()
        answer = self._world.judge.ask(self._world.network.reference("plain", NAME), f"--cache={self.folder}")
        return answer, self._plain.blobs(mark)

    def notes(self) -> list[Path]:
        """What is kept besides blobs."""
        return [path for path in sorted(self.folder.rglob("*")) if path.is_file() and path.relative_to(self.folder).parts[0] != "blobs"]

    def files(self) -> dict[str, Path]:
        """By what they come to."""
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        return {f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}": path for path in files}


def check(world: World) -> list[str]:
    push(world, "right")
    cache = Cache(world, world.folder("cache"))
    expected = world.judge.ask(f"oci:{world.small.folder}:right")
    answer, first = cache.ask()
    wanted = blobs(world, "right")
    faults = [] if sorted(first) == sorted(wanted) else [f"the first run fetched {sorted(first)}, and the image has {sorted(wanted)}"]
    again, second = cache.ask()
    faults += [] if not second else [f"the second run fetched {second}"]
    faults += [f"{name} run: {one}; without a registry: {expected}" for name, one in (("first", answer), ("second", again)) if not one.same(expected)]
    return [*faults, *_damaged(cache, wanted, expected), *_moved(world, cache), *_together(world), *_broken_off(world), *_given_up(world)]


def push(world: World, tag: str) -> None:
    world.network.push(world.small.folder, tag, NAME)


def blobs(world: World, tag: str) -> list[str]:
    manifest = world.small.read(world.small.tagged(tag))
    return [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]


def _damaged(cache: Cache, wanted: list[str], expected: Answer) -> list[str]:
    """A blob is found to be damaged when it is read: it is not, where what it says was noted."""
    faults = []
    for digest in wanted:
        path = cache.files().get(digest)
        if path is None:
            faults.append(f"{digest} is not kept")
            continue
        for name, damage in DAMAGES.items():
            for note in cache.notes():
                note.unlink()
            path.write_bytes(damage(path.read_bytes()))
            (answer, fetched), (after, more) = cache.ask(), cache.ask()
            if not answer.same(expected) or fetched != [digest]:
                faults.append(f"{digest}: {name}: fetched {fetched}: {answer}")
            if not after.same(expected) or more or digest not in cache.files():
                faults.append(f"{digest}: {name}: the run after the next fetched {more}, or keeps what is damaged: {after}")
    return [*faults, *_noted(cache, expected)]


def _noted(cache: Cache, expected: Answer) -> list[str]:
    """What is kept besides blobs is not believed either when it is damaged, nor is it needed."""
    faults = []
    for name, damage in DAMAGES.items():
        notes = cache.notes()
        for path in notes:
            path.write_bytes(damage(path.read_bytes()))
        answer, fetched = cache.ask()
        if fetched or not answer.same(expected):
            faults.append(f"{len(notes)} notes: {name}: fetched {fetched}: {answer}")
    return faults


def _moved(world: World, cache: Cache) -> list[str]:
    """The tag leads to another image: what is kept says nothing about tags."""
    push(world, "wrong")
    expected = world.judge.ask(f"oci:{world.small.folder}:wrong")
    answer, fetched = cache.ask()
    new = sorted(set(blobs(world, "wrong")) - set(blobs(world, "right")))
    push(world, "right")
    is_right = answer.same(expected) and sorted(fetched) == new
    return [] if is_right else [f"a tag that was moved: fetched {sorted(fetched)}, new are {new}: {answer}; without a registry: {expected}"]


def _together(world: World) -> list[str]:
    """Several at once, in a folder that is not there yet."""
    cache = Cache(world, world.folder("cache-of-many") / "not" / "there")
    expected = world.judge.ask(f"oci:{world.small.folder}:right")
    with ThreadPoolExecutor(4) as pool:
        answers = [answer for answer, _ in pool.map(lambda _: cache.ask(), range(4))]
    answer, fetched = cache.ask()
    is_right = all(one.same(expected) for one in (*answers, answer)) and not fetched
    return [] if is_right else [f"four at once, and one behind them that fetched {fetched}: {[str(one) for one in (*answers, answer)]}"]


def _broken_off(world: World) -> list[str]:
    """Connections that end in the middle of a blob, and then do not."""
    plain = world.network.kinds["plain"]
    expected = world.judge.ask(f"oci:{world.small.folder}:right")
    mark = plain.mark()
    answer, cut = _through_cutter(world, after=3 << 20, times=2)
    faults = [] if answer.same(expected) and cut == 2 else [f"{cut} connections were cut: {answer}; without a registry: {expected}"]
    if not _gone_on(plain.requests(mark)):
        faults.append("what was cut was fetched from its beginning")
    return faults


def _given_up(world: World) -> list[str]:
    """Connections that always end there, until nothing more is tried: whoever comes later, with the same folder, fetches what is not whole there."""
    expected = world.judge.ask(f"oci:{world.small.folder}:right")
    cache = Cache(world, world.folder("cache-cut"))
    first, _ = _through_cutter(world, 1 << 18, 1000, f"--cache={cache.folder}")
    kept = set(cache.files())
    answer, fetched = cache.ask()
    missing = [digest for digest in blobs(world, "right") if digest not in kept]
    is_right = first.code == 2 and missing and answer.same(expected) and sorted(fetched) == sorted(missing)
    return [] if is_right else [f"given up: {first}; missing were {missing}, and fetched {fetched}: {answer}; without a registry: {expected}"]


def _gone_on(requests: list[Request]) -> bool:
    return any(request.blob and request.status == 206 for request in requests)


def _through_cutter(world: World, after: int, times: int, *options: str) -> tuple[Answer, int]:
    with ExitStack() as ends:
        cutter = Cutter(world.network.kinds["plain"].port, after, times)
        ends.callback(cutter.stop)
        threading.Thread(target=cutter.serve, daemon=True).start()
        return world.judge.ask(f"docker://127.0.0.1:{cutter.port}/{NAME}", *options), cutter.cut
