# tries: Leaves asynchronous generators that yield when they are closed.
# must: contained
# limits: cpu=1000ms wall=3000ms
async def numbers():
    while True:
        try:
            yield 1
        finally:
            yield 2


async def main():
    kept.append(numbers())
    return await anext(kept[0])


kept = []
