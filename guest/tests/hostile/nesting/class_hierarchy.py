# tries: Makes a class of ten thousand ancestors and asks for an attribute that none has.
# must: contained
# limits: cpu=3000ms
async def main():
    kind = object
    for number in range(10_000):
        kind = type(f"C{number}", (kind,), {})
    return getattr(kind(), "absent", "none")
