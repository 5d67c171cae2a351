# tries: Fills memory with small objects.
# must: refused memory 64 MB
# limits: memory=64MB cpu=20000ms
async def main():
    kept = []
    while True:
        kept.append([{}])
