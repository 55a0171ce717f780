"""Lets the job fail, or not, now that everything is written."""

import os

import runner


def main() -> int:
    codes = {int(os.environ.get(name) or 0) for name in ("CHECK_CODE", "FIX_CODE")}
    if 2 in codes:
        runner.remark("error", "malloclint could not do all of its work: what it said is above")
        return 2
    # Where fixes were committed, what is left counts; where they were only shown, what was found.
    decides = "FIX_CODE" if runner.given("fix") == "commit" else "CHECK_CODE"
    return int(os.environ.get(decides) or 0)


if __name__ == "__main__":
    runner.step(main)
