"""Reports against what reads them: schemas and validators that others wrote.

    python tests/formats/validate.py --malloclint target/debug/malloclint --tools FOLDER

FOLDER holds node_modules with @microsoft/sarif-multitool-linux and @umbrelladocs/rdformat-validator (`make formats` installs
them), and the Python that runs this has check-jsonschema. Every input of the tests is reported in every format.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
SARIF = "node_modules/@microsoft/sarif-multitool-linux"


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def report(program, form, folder):
    file = folder / form
    code, said = run(program, "check", "--quiet", "--no-progress", "--format", f"{form}={file}", ROOT / "tests", ROOT / "rules")
    if code not in (0, 1, 2) or not file.exists():
        sys.exit(f"{form}: {said}")
    return file


def sarif(file, tools):
    code, said = run(sys.executable, "-m", "check_jsonschema", "--schemafile", tools / SARIF / "sarif-2.1.0.json", file)
    if code:
        return [said]
    tool = tools / SARIF / "Sarif.Multitool"
    tool.chmod(0o755)
    # It ends with 0 whatever it finds.
    _, said = run(tool, "validate", file)
    if "Analysis completed successfully" not in said:
        return [said]
    return [line for line in said.splitlines() if re.search(r": (error|warning) ", line)]


def rdjson(file, tools):
    code, said = run("node", tools / "node_modules/.bin/rdformat-validator", file)
    return [said] if code else []


def gitlab(file, _):
    """docs.gitlab.com, "Code Quality report format": the fields that must be there, and each fingerprint once."""
    entries, faults, seen = json.loads(file.read_text()), [], set()
    for entry in entries:
        wanted = {"description": str, "check_name": str, "fingerprint": str}
        faults += [f"{key} of {entry}" for key, kind in wanted.items() if not isinstance(entry.get(key), kind)]
        if entry["severity"] not in {"info", "minor", "major", "critical", "blocker"}:
            faults.append(f"severity of {entry}")
        path = entry["location"]["path"]
        if path.startswith(("/", "./")) or not entry["location"]["lines"]["begin"] > 0:
            faults.append(f"place of {entry}")
        if entry["fingerprint"] in seen:
            faults.append(f"{entry['fingerprint']} stands twice")
        seen.add(entry["fingerprint"])
    return faults


def github(file, _):
    """actions/runner, src/Runner.Worker/ActionCommand.cs: `::name key=value,...::data`, read back as the runner does."""
    faults = []
    lines = file.read_text().splitlines()
    for line in lines[:-1]:
        found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.+)", line)
        if not found:
            faults.append(f"not a command: {line}")
            continue
        pairs = dict(pair.partition("=")[::2] for pair in found[2].split(","))
        if not {"file", "line", "endLine", "title"} <= pairs.keys() or not pairs["line"].isdigit():
            faults.append(f"properties of {line}")
    return faults


def markdown(file, _):
    """GitHub's tables: each row has the four cells of the head."""
    rows = [line for line in file.read_text().splitlines() if line.startswith("|")]
    return [row for row in rows if len(re.findall(r"(?<!\\)\|", row)) != 5]


def ndjson(file, _):
    """Each line is a finding as `json` has it."""
    return [line for line in file.read_text().splitlines() if not {"rule", "path", "line", "fingerprint"} <= json.loads(line).keys()]


def junit(file, _):
    """Read as XML; the counts that stand there are those of what stands there (github.com/testmoapp/junitxml)."""
    root, faults = xml.etree.ElementTree.parse(file).getroot(), []
    for suite in [root, *root.iter("testsuite")]:
        found = {"tests": len(list(suite.iter("testcase"))), "failures": len(list(suite.iter("failure"))), "skipped": len(list(suite.iter("skipped")))}
        faults += [f"{suite.get('name')}: {key}" for key, number in found.items() if int(suite.get(key)) != number]
    return faults


def checkstyle(file, _):
    """Read as XML; the attributes that Jenkins' analysis-model asks for."""
    root = xml.etree.ElementTree.parse(file).getroot()
    wanted = {"line", "column", "severity", "message", "source"}
    return [str(error.attrib) for error in root.iter("error") if set(error.attrib) != wanted or error.get("severity") not in {"error", "warning", "info"}]


def sonarqube(file, _):
    """docs.sonarsource.com, "Generic issue import format": what must be there, each rule once, and ranges that are in their lines."""
    report = json.loads(file.read_text())
    rules = [rule["id"] for rule in report["rules"]]
    faults = [f"{rule} stands twice" for rule in set(rules) if rules.count(rule) > 1]
    for rule in report["rules"]:
        faults += [f"{key} of {rule}" for key in ("name", "description", "engineId", "cleanCodeAttribute", "impacts") if not rule.get(key)]
    for issue in report["issues"]:
        for place in [issue["primaryLocation"], *issue["secondaryLocations"]]:
            at = place["textRange"]
            lines = (ROOT / place["filePath"]).read_bytes().decode(errors="replace").split("\n")
            if issue["ruleId"] not in rules or not 1 <= at["startLine"] <= at["endLine"] <= len(lines):
                faults.append(f"place of {issue}")
            elif "startColumn" in at and not 0 <= at["startColumn"] < at["endColumn"] <= len(lines[at["endLine"] - 1]):
                faults.append(f"columns of {issue}")
    return faults


def azure(file, _):
    """azure-pipelines-agent, src/Agent.Sdk/CommandPlugin: `##vso[area.event key=value;...]data`, read back as the agent does."""
    faults = []
    for line in file.read_text().splitlines()[:-1]:
        if not line.startswith("##vso["):
            continue
        found = re.fullmatch(r"##vso\[task\.logissue type=(error|warning);([^\]]*)\](.+)", line)
        pairs = dict(pair.partition("=")[::2] for pair in found[2].split(";") if pair) if found else {}
        if not {"sourcepath", "linenumber", "columnnumber", "code"} <= pairs.keys() or not pairs["linenumber"].isdigit():
            faults.append(line)
    return faults


CHECKS = {"sarif": sarif, "rdjson": rdjson, "gitlab": gitlab, "github": github, "markdown": markdown, "ndjson": ndjson, "junit": junit, "checkstyle": checkstyle, "sonarqube": sonarqube, "azure": azure}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--malloclint", type=pathlib.Path, required=True)
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for form, check in CHECKS.items():
            file = report(arguments.malloclint.resolve(), form, pathlib.Path(folder))
            faults = check(file, arguments.tools.resolve())
            bad += len(faults)
            print(f"{form}: {file.stat().st_size} bytes, {len(faults)} faults")
            print(*faults[:5], sep="\n", end="\n" if faults else "")
    sys.exit(1 if bad else 0)


main()
