"""The results as a table, and whether any of them is wrong."""

import collections

EXPECTED = {"retention": "retention", "leak": "live"}
# What is said to be free may be so far from what the allocators say, as a share of 1.
NEAR = 0.02
HEAD = f"{'service':<9} {'shape':<10} {'runs':>4} {'right':>6} {'RSS MiB':>10} {'anonymous':>10} {'free %':>8} {'truth %':>8} {'off':>4}  verdicts"


def show(results):
    """Prints it; 1 where a verdict is another than expected, or what is free is not what the allocators say (the mixed ones are only shown)."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[result["service"], result["shape"]].append(result)
    print(HEAD)
    for (service, shape), group in groups.items():
        print(_line(service, shape, group))
    wrong = [result for result in results if not is_right(result) or off(result) > NEAR]
    for result in wrong:
        print(_wrong(result))
    print(f"{len(results) - len(wrong)} passed, {len(wrong)} failed")
    return int(bool(wrong))


def is_right(result):
    return result["verdict"] == EXPECTED.get(result["shape"], result["verdict"])


def off(result):
    return abs(result["share"] - result["told"])


def _line(service, shape, group):
    right = f"{sum(map(is_right, group))}/{len(group)}" if shape in EXPECTED else "-"
    verdicts = collections.Counter(result["verdict"] for result in group)
    said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    figures = [
        _range(group, lambda result: result["rss"] / 2**20),
        _range(group, lambda result: result["anonymous"] / 2**20),
        _range(group, lambda result: result["share"] * 100),
        _range(group, lambda result: result["told"] * 100),
    ]
    worst = max(map(off, group)) * 100
    return f"{service:<9} {shape:<10} {len(group):>4} {right:>6} {figures[0]:>10} {figures[1]:>10} {figures[2]:>8} {figures[3]:>8} {worst:>4.1f}  {said}"


def _range(group, of):
    found = [of(result) for result in group]
    return f"{min(found):.0f}..{max(found):.0f}"


def _wrong(result):
    shown = {key: f"{size / 2**20:.1f}" for key, size in (result["memory"] | result["truth"]).items() if isinstance(size, int) and size > 1 << 19}
    share = f"{result['share'] * 100:.1f} % free, truth {result['told'] * 100:.1f} %"
    return f"wrong: {result['service']} {result['shape']}, run {result['run']}: {result['verdict']}, {share}; MiB: {shown}"
