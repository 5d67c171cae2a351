# tries: Holds types whose schema would double with each of forty levels.
# must: contained
# limits: cpu=3000ms
type L0 = int
for level in range(40):
    exec(f"type L{level + 1} = dict[str, L{level}] | list[L{level}] | tuple[L{level}, L{level}]")


async def main(value: L40 = None) -> dict[str, L40]:
    return {}
