# tries: Doubles a text until memory is full.
# must: refused memory
async def main():
    text = "x"
    while True:
        text = text * 2
