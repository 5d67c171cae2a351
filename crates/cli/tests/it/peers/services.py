"""Stands in for services of the internet and of a house: HTTP on two ports, HTTPS on one.

Started with the file to write the certificate of its authority to, and the names it answers for.
Each line of standard input is JSON with `expect`: what is asked next, in any order, and how it is
answered, as the files beside the networked examples have it. The line that it prints tells what
was expected before and not `asked`, and what was asked and is `unknown`.
"""

import datetime
import json
import ssl
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PLAIN_PORTS, SECURE_PORT = (80, 8123), 443


class Script:
    """What is expected, and what came instead."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.open, self.unknown = [], []

    def renew(self, expected):
        """Expect something else from now on, and tell what was left of before."""
        with self.lock:
            told = {"asked": [one["request"] for one in self.open], "unknown": self.unknown}
            self.open, self.unknown = list(expected), []
            self.ended.set()
            self.ended = threading.Event()
        return told

    def take(self, request, headers, body):
        """Return the answer to a request, and the event that ends the wait of a silent one."""
        with self.lock:
            for one in self.open:
                if one["request"] == request and fits(one, headers, body):
                    self.open.remove(one)
                    return one["response"], self.ended
            self.unknown.append([request, dict(headers), body.decode()])
            return {"status": 599, "text": "nobody expects this"}, self.ended


def fits(expected, headers, body):
    """Whether headers and body are those that are expected."""
    for name, value in expected.get("headers", {}).items():
        if headers.get(name) != value:
            return False
    return json.loads(body) == expected["body"] if "body" in expected else not body


SCRIPT = Script()


class Handler(BaseHTTPRequestHandler):
    """Answers as the script says."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        """Answer one request."""
        scheme = "https" if self.server.server_port == SECURE_PORT else "http"
        request = f"{self.command} {scheme}://{self.headers['Host']}{self.path}"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        response, ended = SCRIPT.take(request, self.headers, body)
        if response == "none":
            ended.wait()
            self.close_connection = True
            return
        headers = dict(response.get("headers", {}))
        if "json" in response:
            content = json.dumps(response["json"]).encode()
            headers.setdefault("Content-Type", "application/json")
        else:
            kind = headers.get("Content-Type", "")
            encoding = "latin-1" if "ISO-8859-1" in kind else "utf-8"
            content = response.get("text", "").encode(encoding)
        self.send_response(response["status"])
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *given):
        """Say nothing."""


def issued(name, issuer, issuer_key, key, extensions):
    """Return a certificate for a day."""
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def named(text):
    """Return a distinguished name."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificates(authority_file, own_file, names):
    """Write the authority's certificate, and certificate and key for the names."""
    issuer_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = named("Authority of a test")
    authority = [(x509.BasicConstraints(ca=True, path_length=0), True)]
    root = issued(issuer, issuer, issuer_key, issuer_key, authority)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    leaf = issued(named("Services"), issuer, issuer_key, key, [(alternatives, False)])
    pem = serialization.Encoding.PEM
    Path(authority_file).write_bytes(root.public_bytes(pem))
    kind, open_to_all = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    own_file.write(leaf.public_bytes(pem) + key.private_bytes(pem, kind, open_to_all))
    own_file.flush()


def main(authority_file, *names):
    """Serve until standard input ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as own:
        certificates(authority_file, own, names)
        context.load_cert_chain(own.name)
    for port in (*PLAIN_PORTS, SECURE_PORT):
        server = ThreadingHTTPServer(("0.0.0.0", port), Handler)
        server.daemon_threads = True
        if port == SECURE_PORT:
            # The thread of a connection shakes hands, so that a slow peer holds up nobody.
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(SCRIPT.renew(json.loads(line)["expect"])), flush=True)


main(*sys.argv[1:])
