# tries: Prints without end.
# must: refused cpu
# limits: cpu=1000ms
# prints: aaaa
async def main():
    while True:
        print("a" * 1000)
