# tries: Computes a power whose digits would fill the machine.
# must: refused memory|cpu
# limits: cpu=1500ms
async def main():
    nine = 9
    return nine ** nine ** nine % 10
