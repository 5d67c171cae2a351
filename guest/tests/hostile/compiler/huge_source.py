# tries: Compiles a source of sixty million characters.
# must: refused memory|cpu
# limits: cpu=8000ms
async def main():
    text = "x = 1\n" * 10_000_000
    return compile(text, "x", "exec")
