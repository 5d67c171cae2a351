# tries: Asks the random source for hundreds of megabytes which it may have.
# must: returns 200000000
# limits: cpu=20000ms
import secrets as random_source


async def main():
    return len(random_source.token_bytes(200_000_000))
