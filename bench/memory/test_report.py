"""What the benchmark makes of its measurements, and whether it goes on where it was cut."""

import subprocess
import sys
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path

import curves
import pages
import plan
import processes
import report
import run
import trial


def record(number, candidate, value):
    figures = dict.fromkeys((*report.MEMORY, *report.RATIOS), value)
    return {"round": number, "program": "flask-sync", "candidate": candidate, "conf": {}, "others": 0.02, **figures}


HEADER = {
    "machine": {"cpu": "x", "cores": 2, "memory": 1, "kernel": "6", "libc": "glibc 2.36"},
    "python": "3.11.7",
    "phases": {"share": 1.0, "rest": 15.0, "light": 300},
    "candidates": {candidate.name: candidate.about for candidate in plan.candidates()},
    "programs": {program.name: program.about for program in plan.programs()},
    "libraries": {"jemalloc": "5.3.0-1"},
}


class Report(unittest.TestCase):
    def test_ratios_are_taken_within_a_round(self):
        records = [record(0, "glibc", 100), record(0, "balanced", 50), record(1, "glibc", 200), record(1, "balanced", 80), record(2, "balanced", 1)]
        found = report.ratios(records)["flask-sync", "balanced"]
        self.assertEqual(found["idle"], [0.5, 0.4])

    def test_a_line_that_was_cut_is_measured_again(self):
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / "raw.jsonl"
            report.append(raw, HEADER)
            report.append(raw, record(0, "glibc", 100))
            with raw.open("a") as file:
                file.write('{"round": 0, "pro')
            self.assertEqual(len(report.read(raw)), 2)
            report.append(raw, record(0, "balanced", 50))
            self.assertEqual([one.get("candidate") for one in report.read(raw)[1:]], ["glibc", "balanced"])

    def test_a_setting_that_changed_is_measured_again(self):
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / "raw.jsonl"
            for one in (HEADER, record(0, "glibc", 100), {**record(0, "balanced", 50), "conf": {"MALLOC_CONF": "narenas:9"}}):
                report.append(raw, one)
            self.assertEqual(report.drop(raw, {("flask-sync", "balanced"): {"MALLOC_CONF": "narenas:2"}}), 1)
            self.assertEqual(report.drop(raw, {("flask-sync", "balanced"): {"MALLOC_CONF": "narenas:2"}}), 0)
            self.assertEqual([one.get("candidate") for one in report.read(raw)], [None, "glibc"])

    def test_what_was_disturbed_is_measured_again_and_the_best_counts(self):
        disturbed, quiet = {**record(0, "glibc", 100), "others": 0.5}, {**record(0, "glibc", 90), "others": 0.01}
        wanted = [report.key(quiet), (0, "flask-sync", "balanced")]
        self.assertEqual(report.unfinished([], wanted), wanted)
        self.assertEqual(report.unfinished([disturbed], wanted), wanted)
        self.assertEqual(report.unfinished([disturbed, quiet], wanted), wanted[1:])
        self.assertEqual(report.unfinished([disturbed] * report.TRIES, wanted), wanted[1:])
        self.assertEqual(report.settled([disturbed, quiet, disturbed]), [quiet])

    def test_table_targets_and_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / "raw.jsonl"
            for one in (HEADER, record(0, "glibc", 100), record(0, "article", 60), record(0, "balanced", 50), record(0, "balanced-hook", 107)):
                report.append(raw, one)
            report.write(raw, Path(folder) / "out")
            text = (Path(folder) / "out.md").read_text()
            self.assertIn("| flask-sync | balanced | yes (0.50) | yes (0.50) | yes (0.50) | yes | yes |", text)
            self.assertIn("| flask-sync | balanced-hook | **no** (1.07) | yes (1.07) | yes (1.07) | **no** | **no** |", text)
            self.assertNotIn("preliminary", text)
            self.assertEqual((Path(folder) / "out.svg").read_text().count('class="own"'), 2)


    def test_where_trials_ran_side_by_side_no_time_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / "raw.jsonl"
            told = {name: value for name, value in record(0, "glibc", 100).items() if name not in report.TIMES}
            for one in ({**HEADER, "about": "Small services", "at_once": 2}, told, {**told, "candidate": "balanced", "idle": 104}):
                report.append(raw, one)
            report.write(raw, Path(folder) / "out")
            text = (Path(folder) / "out.md").read_text()
            self.assertTrue(text.startswith("# Small services\n"))
            self.assertIn("| 1.00 | 1.04 | 1.00 |", text)
            self.assertNotIn("CPU", text)
            self.assertNotIn("Targets", text)


class Curves(unittest.TestCase):
    HEADER = {**HEADER, "at_once": 2, "kind": "rest", "sizes": ["10x2", "200x6"]}

    def written(self, *records):
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / "raw.jsonl"
            for one in records:
                report.append(raw, one)
            report.write(raw, Path(folder) / "out")
            return (Path(folder) / "out.md").read_text(), (Path(folder) / "out.svg").read_text()

    def test_from_what_growth_on_a_setting_saves(self):
        def one(candidate, size, base, idle, number=0):
            return {**record(number, candidate, idle), "base": base, "size": size, "processes": 3}

        small = [one("glibc", "10x2", 100e6, 104e6), one("balanced", "10x2", 100e6, 106.08e6)]
        large = [one("glibc", "200x6", 100e6, 500e6), one("balanced", "200x6", 100e6, 200e6)]
        text, picture = self.written(self.HEADER, *small, *large)
        self.assertIn("| 10 to 40 | 2 | 1.02 -> 1.02 |", text)
        self.assertIn("| 200 to 12800 | 200 | 0.40 -> 0.40 |", text)
        self.assertEqual(picture.count("<polyline"), 1)

    def test_memory_over_time(self):
        header = {**self.HEADER, "kind": "growth", "sizes": ["heavy"], "phases": {"seconds": 1200, "pause": 10.0, "light": 20, "heavy": 4}}
        curve = [[second, 1e6 * (100 + second)] for second in range(0, 1210, 10)]
        kept = {"round": 0, "program": "flask-gthread", "candidate": "glibc", "conf": {}, "others": 0.0, "curve": curve}
        text, picture = self.written(header, kept)
        self.assertIn("| 100 | 160 | 220 | 400 | 700 | 1000 | 1300 |", text)
        self.assertEqual(picture.count("<polyline"), 1)

    def test_labels_do_not_cover_each_other(self):
        places = curves._apart([50.0, 49.0, 10.0, 51.0])
        self.assertEqual(places[2], 10.0)
        ordered = sorted(places)
        self.assertTrue(all(next - one >= 14 for one, next in zip(ordered, ordered[1:])))


class Processes(unittest.TestCase):
    def test_what_others_map_too_is_no_less(self):
        """A second process with the same libraries halves what PSS counts of them, and not this."""
        command = [sys.executable, "-c", "import json, ssl, time; print(flush=True); time.sleep(60)"]

        def start(stack):
            one = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(one.kill)
            one.stdout.readline()
            return one.pid

        with ExitStack() as stack:
            first = start(stack)
            alone, shares = processes.own_memory([first]), processes.proportional_set([first])
            second = start(stack)
            self.assertAlmostEqual(processes.own_memory([first]) / alone, 1, delta=0.02)
            # Of two that share their files each is counted once.
            both = processes.own_memory([first, second])
            self.assertLess(both, 2 * alone)
            self.assertGreater(both, shares)


class Pages(unittest.TestCase):
    def test_tables_are_those_measured(self):
        for file in pages.FILES:
            text = (pages.ROOT / file).read_text()
            self.assertEqual(text, pages.filled(text), f"{file}: python3 bench/memory/pages.py writes it")

    def test_messages_quote_what_was_measured(self):
        self.assertEqual(pages.QUOTED.read_text(), pages.quoted(), "python3 bench/memory/pages.py writes it")

    def test_every_figure_is_held_by_results(self):
        self.assertEqual(pages.broken(), [])

    def test_a_figure_that_nothing_holds_is_seen(self):
        self.assertEqual(pages.RATIO.findall("to 0.42 of it, in 1.5 times; jemalloc 5.3.0, Python 3.11, since 0.1.0, `docker/dockerfile:1.3`"), ["0.42", "1.5"])
        check = {"part": "rest-small", "programs": ["flask-sync"], "candidate": "glibc", "figure": "idle"}
        self.assertEqual(pages._out_of_bounds({**check, "least": 1.0, "most": 1.0}), [])
        self.assertEqual(len(pages._out_of_bounds({**check, "most": 0.9})), 1)
        self.assertEqual(len(pages._out_of_bounds({**check, "programs": ["nobody"]})), 1)


class Plan(unittest.TestCase):
    def test_parts_name_what_there_is(self):
        programs = {program.name: program for program in plan.programs()}
        candidates = {candidate.name for candidate in plan.candidates()}
        for part in plan.parts().values():
            self.assertLessEqual(set(part.programs), set(programs))
            self.assertLessEqual(set(part.candidates), candidates)
            self.assertIn("glibc", part.candidates)
            self.assertIn(part.kind, trial.FULL)
            for size in part.sizes:
                self.assertRegex(size, r"^(small|heavy|\d+x\d+)$")
                if size != "heavy":
                    self.assertTrue(all(programs[name].small for name in part.programs), part.name)

    def test_larger_answers_are_asked_for_less_often(self):
        program = next(one for one in plan.programs() if one.name == "flask-gthread")
        asked = [program.requests(size) for size in ("small", "10x3", "20x5", "200x6", "heavy")]
        self.assertEqual(asked, [1500, 1500, 468, 240, 240])

    def test_rounds(self):
        self.assertEqual((list(run._rounds("2")), list(run._rounds("5:7"))), ([0, 1], [5, 6]))

    def test_the_profiles_are_those_of_the_fixer(self):
        self.assertNotEqual(plan.profile("fork", "balanced", True, "5.3.0-1"), None)
        self.assertIn("tcache_nslots_small_max:8", plan.profile("fork", "balanced", False, "5.3.0-1"))
        self.assertIn("tcache_max:4096", plan.profile("fork", "low-memory", False, "5.3.0-1"))
        self.assertIn("lg_tcache_max:12", plan.profile("fork", "low-memory", False, "5.2.1-5"))
        self.assertNotIn("background_thread", plan.profile("threads", "balanced", False, "5.3.0-1"))
        self.assertIn("narenas:1,", plan.profile("threads", "low-memory", False, "5.3.0-1"))
        self.assertIsNone(plan.profile("threads", "balanced", False, "3.6.0"))

    def test_every_round_has_all_pairs_and_begins_elsewhere(self):
        pairs = [(program, candidate) for program in plan.programs() for candidate in plan.candidates()]
        name = lambda pair: (pair[0].name, pair[1].name)  # noqa: E731
        rounds = [list(map(name, run.Bench._order(pairs, number))) for number in range(5)]
        self.assertEqual({tuple(sorted(one)) for one in rounds}, {tuple(sorted(map(name, pairs)))})
        self.assertEqual(len({one[0] for one in rounds}), 5)

    def test_a_percentile_is_one_of_the_values(self):
        self.assertEqual(trial.percentile(list(range(1, 201)), 99), 198)
        self.assertEqual(trial.percentile([7.0], 99), 7.0)


if __name__ == "__main__":
    unittest.main()
