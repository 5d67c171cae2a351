# tries: Asks the random source for hundreds of megabytes and the clock for waits without end.
# must: refused exception|memory|trap|cpu
# limits: cpu=5000ms
import secrets as random_source


async def main():
    return len(random_source.token_bytes(200_000_000))
