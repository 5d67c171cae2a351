# tries: Returns a dict whose items() answers with pairs that are not pairs.
# must: contained
class Evil(dict):
    def items(self):
        return [1, 2, 3]

    def __iter__(self):
        raise KeyboardInterrupt

    def __len__(self):
        return -1


async def main():
    return Evil(a=1)
