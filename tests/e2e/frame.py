"""Whether a rewrite left alone what it did not have to change, compared as bytes."""

from __future__ import annotations

import difflib

# What a line about an allocator holds; other lines change only where such a thing was put into their list.
WORDS = (b"jemalloc", b"LD_PRELOAD", b"MALLOC_CONF", b"MALLOC_ARENA_MAX")


def hunks(before: bytes, after: bytes) -> list[tuple[list[bytes], list[bytes]]]:
    """Lines taken out and lines put in, place by place."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(old[a:b], new[c:d]) for code, a, b, c, d in codes if code != "equal"]


def faults(before: bytes, after: bytes) -> list[str]:
    """What changed that has nothing to do with an allocator, and line ends that are not the file's."""
    found = []
    for removed, added in hunks(before, after):
        for line in removed:
            if not any(word in line for word in WORDS) and not _grown(line, added):
                found.append(f"line was lost: {line!r}")
    found += _line_ends(before, after)
    if before.startswith(b"\xef\xbb\xbf") != after.startswith(b"\xef\xbb\xbf"):
        found.append("the byte order mark was lost or made")
    return found


def _grown(line: bytes, added: list[bytes]) -> bool:
    """Whether all bytes of the line are still there, in order, in one of the lines put in."""
    # The last line of an instruction ends without the character that continues it.
    return any(_is_within(line.rstrip(b"\\` \t\r\n"), other) for other in added)


def _is_within(part: bytes, whole: bytes) -> bool:
    at = iter(whole)
    return all(byte in at for byte in part)


def _line_ends(before: bytes, after: bytes) -> list[str]:
    """A file with one kind of line end keeps to it, and its last line ends as it did."""
    found = []
    crlf = before.count(b"\r\n")
    if crlf and crlf == before.count(b"\n") and after.count(b"\r\n") != after.count(b"\n"):
        found.append("a line ends in LF in a file of CRLF")
    if not crlf and b"\r" in after:
        found.append("a line ends in CRLF in a file of LF")
    return found


def diff(before: bytes, after: bytes) -> str:
    """For people."""
    lines = difflib.unified_diff(
        before.decode(errors="replace").splitlines(keepends=True),
        after.decode(errors="replace").splitlines(keepends=True),
        "before", "after",
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ no newline\n" for line in lines)
