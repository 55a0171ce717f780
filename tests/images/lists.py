"""`--from`: names of images in a file, or on the standard input, as clusters and people write them."""

from __future__ import annotations

import json
import subprocess

from world import World

NAMES = ["list/app:1", "list/app:2"]


def check(world: World) -> list[str]:
    network = world.network
    for name, tag in zip(NAMES, ("right", "wrong")):
        network.push(world.small.folder, tag, name)
    host = network.kinds["plain"].host
    bare = [f"{host}/{name}" for name in NAMES]
    whole = [f"docker://{name}" for name in bare]
    texts = {
        # kubectl get pods -A -o jsonpath='{..image}'
        "kubectl, one line": (" ".join([*bare, bare[0]]), bare),
        # kubectl get pods -A -o jsonpath='{range .items[*].spec.containers[*]}{.image}{"\n"}{end}'
        "kubectl, lines": ("\n".join([*bare, *bare]) + "\n", bare),
        "kubectl, what runs": ("".join(f"docker-pullable://{name}\n" for name in bare), [f"docker-pullable://{name}" for name in bare]),
        "people": ("# of the shop\n\n" + "\r\n".join(f"  {name}  # why" for name in whole), whole),
        "of all kinds": (f"{whole[0]}\noci:{world.small.folder}:wrong\n", [whole[0], f"oci:{world.small.folder}:wrong"]),
        "of no line end": (whole[0], [whole[0]]),
    }
    faults = []
    for name, (text, wanted) in texts.items():
        file = world.work / "list"
        file.write_text(text)
        seen = {
            "a file": world.judge.run([f"--from={file}"]),
            "standard input": world.judge.run(["--from=-"], given=text.encode()),
        }
        faults += [f"{name}, {where}: {fault}" for where, done in seen.items() for fault in _wrong(world, done, wanted)]
    return faults


def _wrong(world: World, done: subprocess.CompletedProcess[bytes], wanted: list[str]) -> list[str]:
    expected = {tag: world.judge.ask(f"oci:{world.small.folder}:{tag}") for tag in ("right", "wrong")}
    code = max(expected["wrong" if name.endswith((":2", ":wrong")) else "right"].code for name in wanted)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return [f"no report: {done.stderr.decode(errors='replace').strip()}"]
    judged = sorted(unit["path"] for unit in report["units"])
    rules = sorted((finding["path"], finding["rule"]) for finding in report["findings"])
    meant = sorted((name, rule) for name in wanted if name.endswith((":2", ":wrong")) for rule in expected["wrong"].rules)
    if judged == sorted(wanted) and rules == meant and done.returncode == code:
        return []
    return [f"exit code {done.returncode}, judged {judged}, found {rules}, {done.stderr.decode(errors='replace').strip()!r}; wanted: {sorted(wanted)}, {meant}"]
