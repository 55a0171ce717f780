"""A server of names that knows one of them: `python3 names.py NAME ADDRESS`, on port 53 of 127.0.0.1; it prints what it is asked."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys

# RFC 1035: types and classes of questions, and the codes of answers.
A, AAAA, IN, OK, UNKNOWN = 1, 28, 1, 0, 3
HEAD = struct.Struct(">HHHHHH")
RESPONSE, RECURSES = 0x8000, 0x0080
LASTS = 60  # seconds


def serve(name: str, address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        while True:
            asked, client = server.recvfrom(4096)
            server.sendto(_answer(asked, name, address), client)


def _answer(asked: bytes, name: str, address: str) -> bytes:
    number, flags, *_ = HEAD.unpack_from(asked)
    labels, at = [], HEAD.size
    while asked[at]:
        labels.append(asked[at + 1 : at + 1 + asked[at]].decode(errors="replace"))
        at += 1 + asked[at]
    question = asked[HEAD.size : at + 5]
    (kind, _) = struct.unpack_from(">HH", asked, at + 1)
    wanted = ".".join(labels).lower()
    print(wanted, kind, flush=True)
    known = wanted == name
    told = b""
    if known and kind == A:
        # The name is where the question has it.
        told = b"\xc0\x0c" + struct.pack(">HHIH", A, IN, LASTS, 4) + ipaddress.IPv4Address(address).packed
    code = OK if known else UNKNOWN
    head = HEAD.pack(number, RESPONSE | RECURSES | (flags & 0x0100) | code, 1, int(bool(told)), 0, 0)
    return head + question + told


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
