# tries: Raises an exception whose __str__ returns a subclass of str that lies about its length and equality.
# must: refused exception
class Text(str):
    def __len__(self):
        return 1

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def split(self, *rest):
        return ["\n", "busy"]

    def __getitem__(self, index):
        return "worker_lost"


class Evil(Exception):
    def __str__(self):
        return Text("x" * 100_000)


async def main():
    raise Evil
