# tries: Writes to and reads from every file descriptor but the three of its own.
# must: returns []
import logging


async def main():
    reached = []
    for descriptor in range(3, 2000):
        for attempt in (lambda d: logging.os.write(d, b"x"), lambda d: logging.os.read(d, 10)):
            try:
                attempt(descriptor)
                reached.append(descriptor)
            except OSError:
                continue
    return reached
