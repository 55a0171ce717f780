"""A server for tests: how a page answers says its path, how `/` does the second argument.

    /status/503    with that status
    /slow/2        after so many seconds
    /moved/PATH    that the page is at /PATH
    /die           by ending the server
    /silent        never

With `busy` as third argument a thread works all the time; with a number the server ends by itself so many seconds after the
file `asked` is there, which it makes when it is asked for the fifth time: however slow the machine is, it was seen to answer.
"""

import http.server
import itertools
import os
import sys
import threading
import time

port, root = int(sys.argv[1]), sys.argv[2]
more = sys.argv[3:]
asked = itertools.count(1)


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if next(asked) == 5:
            open("asked", "w").close()
        path = self.path.split("?")[0]
        word, _, rest = (root if path == "/" else path[1:]).partition("/")
        status, headers = 200, {}
        if word == "status":
            status = int(rest)
        elif word == "slow":
            time.sleep(float(rest))
        elif word == "moved":
            status, headers = 302, {"Location": rest if "://" in rest else "/" + rest}
        elif word == "die":
            os._exit(3)
        elif word == "silent":
            time.sleep(3600)
        body = b"%d\n" % len([bytes(3000) for _ in range(500)])
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def work():
    while True:
        sum(range(100_000))


def leave(seconds):
    while not os.path.exists("asked"):
        time.sleep(0.05)
    time.sleep(seconds)
    os._exit(0)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


server = Server((os.environ.get("ADDRESS", "127.0.0.1"), port), Answer)
if "busy" in more:
    threading.Thread(target=work, daemon=True).start()
elif more:
    threading.Thread(target=leave, args=[float(more[0])], daemon=True).start()
server.serve_forever()
