# tries: Installs handlers for all signals and sends them to itself.
# must: contained
import logging


async def main():
    signal = logging.sys.modules["signal"]
    said = []
    for number in range(1, 65):
        try:
            signal.signal(number, lambda *values: None)
            signal.raise_signal(number)
            said.append(number)
        except (OSError, ValueError, AttributeError):
            continue
    return said
