# tries: Catches the lack of memory and asks again and again.
# must: refused cpu|memory
# limits: memory=64MB cpu=1500ms
async def main():
    kept = []
    while True:
        try:
            kept.append(bytearray(1_000_000))
        except BaseException:
            continue
