# tries: Leaves an object whose __del__ loops for ever when the call is over.
# must: contained
# limits: cpu=500ms
class Evil:
    def __del__(self):
        while True:
            pass


async def main():
    global kept
    kept = Evil()
    kept.itself = kept
    import logging

    logging.sys.modules["tool"].__dict__.clear()
