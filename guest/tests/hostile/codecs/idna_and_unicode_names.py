# tries: Feeds the slow codecs with input that makes them quadratic.
# must: refused cpu|exception
# limits: cpu=1500ms
async def main():
    return len(("a" * 4_000_000 + ".xn--" + "z" * 900_000).encode("idna"))
