"""Writes a Dockerfile in the words of Debian 12's buildah, which knows no heredoc, no byte order mark, and of parser
directives only `escape`, on the first line.

Nothing else is changed: the file that is built says what the file under test says. BuildKit runs the body of a heredoc
by the shell, so a `RUN` of the exec form with that body is the same.
"""

from __future__ import annotations

import json
import re

MARK = b"\xef\xbb\xbf"
DIRECTIVE = re.compile(rb"^#\s*(syntax|check)\s*=.*\n", re.IGNORECASE)
OPENING = re.compile(rb"^(?P<before>\s*RUN\s+(?:--\S+\s+)*)<<(?P<dash>-?)(?P<quote>[\"']?)(?P<end>\w+)(?P=quote)\s*$", re.IGNORECASE)


def lower(text: bytes) -> bytes:
    """The same Dockerfile without what that buildah does not read."""
    if text.startswith(MARK):
        text = text[len(MARK):]
    while DIRECTIVE.match(text):
        text = DIRECTIVE.sub(b"", text, count=1)
    lines = iter(text.splitlines(keepends=True))
    return b"".join(_instruction(line, lines) for line in lines)


def _instruction(line: bytes, rest) -> bytes:
    opening = OPENING.match(line)
    if not opening:
        return line
    body = []
    for inner in rest:
        bare = inner.rstrip(b"\r\n")
        if opening["dash"]:
            bare = bare.lstrip(b"\t")
        if bare == opening["end"]:
            break
        body.append(bare.decode())
    command = ["/bin/sh", "-c", "\n".join(body) + "\n"]
    if body and body[0].startswith("#!"):
        raise ValueError("a heredoc with its own interpreter is not built here")
    return opening["before"] + json.dumps(command).encode() + b"\n"
