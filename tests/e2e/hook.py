"""In which of its two forms a Dockerfile holds the thread hook."""

from __future__ import annotations

import re

HEREDOC, ONE_RUN = "here-document", "one RUN"
# The module as it is, and a RUN of the file that the COPY made.
_HEREDOC = re.compile(rb"^COPY <<'(\w+)' (?P<file>\S+/jemalloc_thread\.py)\r?\n(?:.*\n)*?\1\r?\n(?:USER root\r?\n)?RUN \[\"[^\"]+\", \"-I\", \"(?P=file)\"\]", re.MULTILINE)
# Its lines as the arguments of a program that writes them and runs them, over several lines of the Dockerfile.
_ONE_RUN = re.compile(rb"^RUN \[\"[^\"]+\", \"-I\", \"-c\", \"[^\"]*\", [\\`]\r?\n(?: +\"[^\"]*\", [\\`]\r?\n)*? +\"def install\(\):\", ", re.MULTILINE)


def form(dockerfile: bytes) -> str | None:
    """The form, where it is exactly one of them."""
    found = [name for name, shape in ((HEREDOC, _HEREDOC), (ONE_RUN, _ONE_RUN)) if shape.search(dockerfile)]
    return found[0] if len(found) == 1 else None
