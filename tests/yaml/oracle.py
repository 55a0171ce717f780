"""What PyYAML makes of pairs of texts: standard input holds a JSON list of [before, after].

Prints a JSON list; for each pair whether either is YAML, whether they are equal but for the variables
of containers, and whether the first is a byte subsequence of the second.
"""

import json
import sys

import yaml

class LOADER(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
    """Every scalar a text."""


INJECTED = "malloclint-jemalloc"
LISTS = ("initContainers", "volumes", "volumeMounts")


def load(text):
    try:
        return True, list(yaml.load_all(text, Loader=LOADER))
    except (yaml.YAMLError, ValueError):
        return False, None


def bare(value):
    """The value without the variables of containers and services, and without what `fix --inject` adds."""
    if isinstance(value, dict):
        kept = {key: bare(inner) for key, inner in value.items() if key not in ("env", "environment")}
        return {key: inner for key, inner in kept.items() if inner != [] or key not in LISTS}
    if isinstance(value, list):
        return [bare(inner) for inner in value if not (isinstance(inner, dict) and inner.get("name") == INJECTED)]
    return value


def variables(value, found):
    """Every list or mapping of variables, in order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("env", "environment"):
                found.append(inner)
            else:
                variables(inner, found)
    elif isinstance(value, list):
        for inner in value:
            variables(inner, found)
    return found


def subsequence(before, after):
    rest = iter(after)
    return all(letter in rest for letter in before)


out = []
for before, after in json.load(sys.stdin):
    (ok, old), (still, new) = load(before), load(after)
    out.append(
        {
            "before": ok,
            "after": still,
            "same": ok and still and bare(old) == bare(new),
            "variables": variables(new, []) if still else [],
            "subsequence": subsequence(before, after),
        }
    )
json.dump(out, sys.stdout)
