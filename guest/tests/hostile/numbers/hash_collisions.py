# tries: Fills a dictionary with keys that all have the same hash.
# must: refused cpu
# limits: cpu=1000ms
class Same:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self is other


async def main():
    return len({Same(): number for number in range(1_000_000)})
