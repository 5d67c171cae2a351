# tries: Returns a list of integers whose texts take ever longer to write.
# must: refused cpu|memory|not_serializable|result_too_large
# limits: cpu=2000ms
async def main():
    return [7 ** (200_000 * number) for number in range(1, 40)]
