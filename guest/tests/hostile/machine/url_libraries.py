# tries: Fetches by urllib, http.client and the other clients of the library.
# must: returns []
# arguments: {"port": "$PORT"}
import logging


async def main(port: int):
    reached = []
    load = logging.sys.modules["builtins"].__import__
    for attempt in (
        lambda: load("urllib.request").request.urlopen(f"http://127.0.0.1:{port}/", timeout=1),
        lambda: load("urllib.request").request.urlopen("file:///etc/passwd"),
        lambda: load("http.client").client.HTTPConnection("127.0.0.1", port, timeout=1).request("GET", "/"),
        lambda: load("ftplib").FTP("127.0.0.1"),
        lambda: load("smtplib").SMTP("127.0.0.1", port),
        lambda: load("xmlrpc.client").client.ServerProxy(f"http://127.0.0.1:{port}").x(),
    ):
        try:
            reached.append(repr(attempt()))
        except (OSError, ImportError, AttributeError):
            continue
    return reached
