# tries: Returns a list that is nested a million deep.
# must: refused not_serializable|recursion
async def main():
    nested = []
    for _ in range(1_000_000):
        nested = [nested]
    return nested
