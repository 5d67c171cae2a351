# tries: Awaits an object that yields to the loop what no loop knows.
# must: refused exception
class Evil:
    def __await__(self):
        yield object()
        yield 42


async def main():
    await Evil()
