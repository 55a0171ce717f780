"""Gives the tokens that a registry asks for, and checks (distribution, "Token Authentication Specification"), and knows who asked."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from registry import PASSWORD, USER, Certificates
from tools import Tools

SERVICE, ISSUER = "a registry with tokens", "a server of tokens"
LASTS = 300  # seconds


class TokenServer:
    """By HTTPS, with the server's certificate of that authority; tokens are signed with its key."""

    def __init__(self, certificates: Certificates, tools: Tools) -> None:
        self._certificates, self._tools = certificates, tools
        # Who asked, and for what: user, or nothing, and scope.
        self.asked: list[tuple[str | None, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing is said on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def settings(self, host: str) -> dict:
        """Those of a registry that sends to it. `host`: how it is called from outside."""
        realm = f"https://{host}:{self._server.server_port}/token"
        return {"auth": {"token": {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(self._certificates.authority)}}}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(request.path).query)
        scope = " ".join(query.get("scope") or [""])
        user = _user(request.headers.get("Authorization") or "")
        self.asked.append((user, scope))
        # Whoever says nothing may have nothing; a wrong word is refused.
        if user is None or query.get("service") != [SERVICE]:
            request.send_error(401)
            return
        body = json.dumps({"token": self._token(user, scope)}).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _token(self, user: str, scope: str) -> str:
        now = int(time.time())
        chain = _der(self._certificates.certificate)
        head = {"typ": "JWT", "alg": "ES256", "x5c": [chain]}
        wanted = [one.split(":") for one in scope.split()]
        access = [{"type": kind, "name": name, "actions": [one for one in actions.split(",") if one in ("pull", "push")]} for kind, name, actions in wanted]
        claims = {"iss": ISSUER, "sub": user, "aud": SERVICE, "exp": now + LASTS, "nbf": now - 10, "iat": now, "jti": str(now), "access": access}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_encoded(self._signature(signed.encode()))}"

    def _signature(self, text: bytes) -> bytes:
        """As a token has it: two numbers, one behind the other."""
        return _numbers(self._tools.raw("openssl", "dgst", "-sha256", "-sign", str(self._certificates.key), given=text))


def _user(header: str) -> str | None:
    kind, _, told = header.partition(" ")
    if kind != "Basic":
        return None
    user, _, word = base64.b64decode(told).decode().partition(":")
    return user if (user, word) == (USER, PASSWORD) else None


def _numbers(der: bytes) -> bytes:
    """The numbers of a signature in DER: SEQUENCE of two INTEGERs, each with a byte for its length."""
    at, found = 2, b""
    for _ in range(2):
        length = der[at + 1]
        found += der[at + 2 : at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return found


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _der(certificate: Path) -> str:
    lines = certificate.read_text().splitlines()
    return "".join(line for line in lines if not line.startswith("-----"))
