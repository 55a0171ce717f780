"""The README for a package registry.

In the repository its links are relative. The Rust registry makes them absolute by itself; the Python one shows them
broken. So the package gets a copy whose links lead to the repository, at the tag of the version.
"""

import re

# The text of a link may begin on the line before; that of a picture does not.
_LINK = re.compile(r"(!\[[^\]\n]*)?\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~)")


def absolute(text: str, repository: str, ref: str) -> str:
    """The text with every relative link made absolute; blocks of code are left alone."""
    base = repository.rstrip("/")

    def link(match) -> str:
        picture, target = match.groups()
        if "://" in target or target.startswith(("#", "mailto:")):
            return match.group(0)
        # Pictures are asked for as they are; a drawing is served as one only where it is asked for as harmless.
        kind = "raw" if picture else "blob"
        harmless = "?sanitize=true" if picture and target.endswith(".svg") else ""
        return f"{picture or ''}]({base}/{kind}/{ref}/{target}{harmless})"

    lines, fenced = [], False
    for line in text.splitlines(keepends=True):
        if _FENCE.match(line):
            fenced = not fenced
        lines.append(line if fenced else _LINK.sub(link, line))
    return "".join(lines)
