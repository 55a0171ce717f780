"""Whether `check` of a Dockerfile and `image check` of what it builds say the same: what one finds and the other does not is wrong in one of them."""

from __future__ import annotations

import json
from typing import Any


# What only a build can get wrong, or what it leaves no trace of, shows in what it built by other rules.
OTHERWISE = {
    "preload-wrong-stage": {"preload-not-installed", "allocator-unset"},
    "preload-not-exported": {"allocator-unset", "jemalloc-not-preloaded"},
    "preload-before-install": {"preload-not-installed"},
    "preload-not-expanded": {"preload-wrong-path", "preload-not-installed"},
    "preload-arch-specific": {"preload-wrong-arch"},
}


def differences(rules: str, dockerfile: str, image: str) -> list[str]:
    """By what `rules`, `check` and `image check` print as JSON, of the image that the last stage makes."""
    both = {rule["id"] for rule in json.loads(rules) if {"dockerfile", "image"} <= set(rule["inputs"])}
    said, seen = json.loads(dockerfile), json.loads(image)
    if any(unit["verdict"] == "undecided" for report in (said, seen) for unit in report["units"]):
        return []
    promised, found = _rules(said), _rules(seen) & both
    shown = {rule for rule in promised if found & OTHERWISE.get(rule, set())}
    found -= {other for rule in shown for other in OTHERWISE[rule]}
    promised = promised & both - shown
    only = [f"`{rule}` is found in the Dockerfile alone" for rule in sorted(promised - found)]
    return only + [f"`{rule}` is found in the image alone" for rule in sorted(found - promised)]


def _rules(report: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in report["findings"]}
