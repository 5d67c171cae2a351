# tries: Works on a hundred megabytes of data, which is within the limit.
# must: returns [100000000, 300000]
# limits: cpu=30000ms
async def main():
    data = bytearray(100_000_000)
    kept = [str(number) for number in range(300_000)]
    return [len(data), len(kept)]
