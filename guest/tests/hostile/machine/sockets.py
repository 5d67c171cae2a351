# tries: Connects to a port of the host that listens, by sockets of every kind.
# must: returns []
# arguments: {"port": "$PORT"}
import logging


async def main(port: int):
    reached = []
    network = logging.sys.modules["socket"]
    for attempt in (
        lambda: network.create_connection(("127.0.0.1", port), 1),
        lambda: network.socket(network.AF_INET, network.SOCK_STREAM).connect(("127.0.0.1", port)),
        lambda: network.socket(network.AF_INET6, network.SOCK_STREAM).connect(("::1", port)),
        lambda: network.socket(network.AF_INET, network.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
        lambda: network.socket(1, 1).connect("/var/run/docker.sock"),
        lambda: network.socket(fileno=0).recv(1),
        lambda: network.create_server(("127.0.0.1", 0)),
        lambda: network.socketpair(),
    ):
        try:
            reached.append(repr(attempt()))
        except (OSError, AttributeError):
            continue
    return reached
