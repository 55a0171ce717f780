"""What the schemas of Kubernetes and Compose say of pairs of texts: standard input holds a JSON list of
{"compose": whether it is a Compose file, "texts": [before, after]}.

Prints a JSON list; for each pair, what is wrong with either text, one line each. Lists are not counted in
them: what stands one item further down is still the same fault. `objects` says how many were judged.
"""

import collections
import importlib.resources
import json
import re
import sys

import jsonschema
import kubernetes_validate
import referencing
import yaml


class LOADER(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Values as JSON has them: dates are texts, and tags of Compose (`!reset`) hold nothing."""


LOADER.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in all if not tag.endswith((":timestamp", ":value"))]
    for letter, all in LOADER.yaml_implicit_resolvers.items()
}
LOADER.add_multi_constructor("!", lambda loader, suffix, node: None)

VERSION = kubernetes_validate.latest_version()
FOLDER = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{VERSION}-local-strict"
COMPOSE = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


DEFINITIONS = read(FOLDER / "_definitions.json")
REGISTRY = referencing.Registry().with_resource(DEFINITIONS["$id"], referencing.Resource.from_contents(DEFINITIONS))
JUDGES = {}


def judge(name):
    """The judge of a schema; `None` where there is no such schema."""
    if name not in JUDGES:
        JUDGES[name] = make(name)
    return JUDGES[name]


def make(name):
    if name == "compose":
        return jsonschema.Draft202012Validator(read(COMPOSE))
    if name == "pod":
        pod = {"$ref": DEFINITIONS["$id"] + "#/$defs/io.k8s.api.core.v1.PodSpec"}
        return jsonschema.Draft202012Validator(pod, registry=REGISTRY)
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        return None
    schema = read(path)
    registry = REGISTRY.with_resource(schema["$id"], referencing.Resource.from_contents(schema))
    return jsonschema.Draft202012Validator(schema, registry=registry)


def faults(name, value):
    for error in judge(name).iter_errors(value):
        path = ".".join("*" if isinstance(step, int) else str(step) for step in error.absolute_path)
        # The value itself may have changed. What is wrong with it has not.
        what = error.message if error.validator in ("required", "additionalProperties") else ""
        yield f"{name}: {path}: {error.validator} {what}".strip()


def objects(value):
    """The objects of a document, those of lists one by one."""
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return
    if value["kind"].endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from objects(item)
    elif isinstance(value.get("apiVersion"), str):
        yield value


def pods(value):
    """What looks like the specification of a pod, in an object that has no schema here."""
    if isinstance(value, dict):
        if isinstance(value.get("containers"), list):
            yield value
        for inner in value.values():
            yield from pods(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pods(inner)


def schema_of(item):
    """`apps/v1` is `apps-v1`, `batch.example.org/v1` is `batch-v1`: as the package names its files."""
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", item["apiVersion"])
    return f"{item['kind'].lower()}-{group}"


def verdict(text, compose):
    """What is wrong with a text, and how many objects that were; `None` where it cannot be read."""
    try:
        documents = [document for document in yaml.load_all(text, Loader=LOADER) if document is not None]
    except (yaml.YAMLError, ValueError):
        return None, 0
    if compose:
        return [fault for document in documents for fault in faults("compose", document)], len(documents)
    found, count = [], 0
    for item in (item for document in documents for item in objects(document)):
        own = schema_of(item)
        parts = [(own, item)] if judge(own) else [("pod", pod) for pod in pods(item)]
        count += len(parts)
        for name, part in parts:
            found += faults(name, part)
    return found, count


out = []
for pair in json.load(sys.stdin):
    (before, count), (after, _) = (verdict(text, pair["compose"]) for text in pair["texts"])
    worse = None
    if before is not None:
        new = collections.Counter(["the result cannot be read"] if after is None else after)
        worse = sorted((new - collections.Counter(before)).elements())
    out.append({"before": before, "after": after, "worse": worse, "objects": count})
json.dump(out, sys.stdout)
