# tries: Raises an exception every attribute of which raises another one.
# must: refused exception
class Evil(Exception):
    def __getattribute__(self, name):
        raise Evil(name)


async def main():
    raise Evil
