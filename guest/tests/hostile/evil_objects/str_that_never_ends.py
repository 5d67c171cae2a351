# tries: Raises an exception whose __str__ and __repr__ loop for ever.
# must: refused cpu
# limits: cpu=500ms
class Evil(Exception):
    def __str__(self):
        while True:
            pass

    __repr__ = __str__


async def main():
    raise Evil
