# tries: Raises KeyboardInterrupt, which event loops treat as an order to stop.
# must: refused exception KeyboardInterrupt
async def main():
    raise KeyboardInterrupt
