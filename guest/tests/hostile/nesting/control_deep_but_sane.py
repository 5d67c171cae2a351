# tries: Recurses five hundred deep and returns a hundred nested lists.
# must: returns [500, 100]
async def main(depth: int = 0):
    def deeper(level):
        return level if level == 500 else deeper(level + 1)

    nested = []
    for _ in range(99):
        nested = [nested]
    return [deeper(0), str(nested).count("[")]
