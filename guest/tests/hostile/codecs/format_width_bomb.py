# tries: Asks for a field that is a thousand million characters wide.
# must: refused memory
async def main():
    return len("{:>1000000000}".format("x"))
