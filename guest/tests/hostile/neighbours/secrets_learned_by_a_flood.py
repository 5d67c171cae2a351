# tries: Asks for thousands of secrets in learning mode, with names that are none, to fill the server with them.
# must: returns [3000, "mcpbox-placeholder-for-N0", 2]
# learning: true
class Name(str):
    def encode(self, *rest):
        return b"x" * 1_000_000


async def main():
    found = [secrets[f"N{number}"] for number in range(3000)]
    refused = 0
    for name in ["x" * 256, "half \ud800"]:
        try:
            secrets[name]
        except KeyError:
            refused += 1
    secrets[Name("evil")]
    return [len(found), found[0], refused]
