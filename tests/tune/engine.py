"""A container engine for tests, as docker's client and daemon: its containers are processes of this machine that the daemon starts.

    engine.py daemon FOLDER     answers on FOLDER/socket
    engine.py COMMAND ...       the client; the folder is in ENGINE_HOME

FOLDER/images.json says of each image by its name: its id, the archive that `save` writes, what a container runs and its variables. `build`
makes the image `built` the one whose id it writes. Every call is a line of FOLDER/log, what `build` is given on standard input in
FOLDER/dockerfile. A container whose variables hold OUT_OF_MEMORY is said to have been ended for its memory.
"""

import array
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

MARK = "MALLOCLINT_TEST_MARK"
# Part of each control group's name, by which a process is known to be of a container here.
NUMBER = "/"


class Daemon:
    def __init__(self, folder):
        self.folder, self.containers, self.lock = folder, {}, threading.Lock()
        # As podman's network does: each container gets another.
        self.addresses = (f"127.0.1.{number}" for number in itertools.cycle(range(1, 255)))

    def serve(self):
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.folder / "socket"))
        server.listen(64)
        (self.folder / "ready").touch()
        while True:
            client, _ = server.accept()
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        data, fds, _, _ = socket.recv_fds(client, 1 << 20, 2)
        request = json.loads(data)
        said = getattr(self, request.pop("do"))(fds=fds, **request)
        for fd in fds:
            os.close(fd)
        with suppress(BrokenPipeError):
            client.sendall(json.dumps(said).encode())
        client.close()

    def create(self, name, image, variables, mark, fds):
        self.containers[name] = {"image": image, "variables": variables, "mark": mark, "process": None, "died": False}

    def start(self, name, fds):
        """Returns when it has ended: its code."""
        with self.lock:
            one = self.containers.get(name)
            if one is None:
                return 125
            path = {MARK: one["mark"], "PATH": os.environ["PATH"], "ADDRESS": next(self.addresses)}
            process = subprocess.Popen(
                one["image"]["command"], stdin=subprocess.DEVNULL, stdout=fds[0], stderr=fds[1],
                env={**path, **one["variables"]}, start_new_session=True, cwd=self.folder,
            )
            one["process"] = process
        for fd in fds:
            os.close(fd)
        fds.clear()
        code = process.wait()
        one["died"] = "OUT_OF_MEMORY" in one["variables"]
        return code if code >= 0 else 128 - code

    def kill(self, name, number, fds):
        process = self.containers[name]["process"]
        if process and process.poll() is None:
            os.kill(process.pid, number)

    def remove(self, name, fds):
        with self.lock:
            one = self.containers.pop(name, None)
        process = one and one["process"]
        if process and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return one is not None

    def inspect(self, name, fds):
        one = self.containers.get(name)
        if one is None:
            return None
        process = one["process"]
        alive = process is not None and process.poll() is None
        program, *arguments = one["image"]["command"]
        return {
            "Id": NUMBER, "Image": one["image"]["id"], "Path": program, "Args": arguments,
            "Config": {"Env": [f"{name}={value}" for name, value in one["variables"].items()]},
            "State": {"Pid": process.pid if alive else 0, "OOMKilled": one["died"]},
            "HostConfig": {"Memory": 64 << 20 if "OUT_OF_MEMORY" in one["variables"] else 0},
            "NetworkSettings": {"Ports": {}},
        }


class Client:
    def __init__(self, folder):
        self.folder = folder
        self.images = json.loads((folder / "images.json").read_text())

    def ask(self, do, fds=(), **request):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.folder / "socket"))
            data = json.dumps({"do": do, **request}).encode()
            client.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            said = b""
            while part := client.recv(1 << 16):
                said += part
        return json.loads(said)

    def image(self, name):
        for known, image in self.images.items():
            if name in (known, image["id"]):
                return image
        sys.exit(f"Error: No such image: {name}")

    def made(self, words):
        """Makes a container from the words of `run` or `create`; its name."""
        options = [word for word in words if word.startswith("--")]
        image = self.image(next(word for word in words if not word.startswith("--")))
        variables = dict(image["variables"])
        variables.update(word.removeprefix("--env=").split("=", 1) for word in options if word.startswith("--env="))
        name = next(word for word in options if word.startswith("--name=")).removeprefix("--name=")
        self.ask("create", name=name, image=image, variables=variables, mark=os.environ.get(MARK, ""))
        return name

    def run(self, words):
        if "--refused" in words:
            print("docker: Error response from daemon: port is already allocated.", file=sys.stderr)
            sys.exit(125)
        name = self.made(words)
        signal.signal(signal.SIGTERM, lambda number, _: self.ask("kill", name=name, number=number))
        sys.exit(self.ask("start", fds=(1, 2), name=name))

    def call(self, verb, words):
        if verb == "run":
            self.run(words)
        elif verb == "create":
            print(self.made(words))
        elif verb == "rm":
            sys.exit(0 if self.ask("remove", name=words[-1]) else 1)
        elif verb == "save":
            shutil.copy(self.folder / self.image(words[-1])["archive"], words[1])
        elif verb == "build":
            (self.folder / "dockerfile").write_bytes(sys.stdin.buffer.read())
            if "--fail" in words:
                sys.exit("E: Unable to locate package libjemalloc2")
            file = next(word for word in words if word.startswith("--iidfile=")).removeprefix("--iidfile=")
            Path(file).write_text(self.images["built"]["id"])
        elif (verb, words[0]) == ("image", "inspect"):
            print(self.image(words[-1])["id"])
        elif (verb, words[0]) == ("container", "inspect"):
            seen = self.ask("inspect", name=words[-1])
            if seen is None:
                sys.exit(f"Error: No such container: {words[-1]}")
            print(json.dumps([seen]))
        elif verb == "pull":
            sys.exit("Error: repository does not exist")


if __name__ == "__main__":
    if sys.argv[1] == "daemon":
        Daemon(Path(sys.argv[2])).serve()
    home = Path(os.environ["ENGINE_HOME"])
    with (home / "log").open("a") as log:
        log.write(" ".join(sys.argv[1:]) + "\n")
    Client(home).call(sys.argv[1], sys.argv[2:])
