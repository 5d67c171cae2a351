# tries: Is a source that does not parse, in a way that quotes much of it.
# must: refused syntax
# inspected: returns false
async def main():
    return """aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
