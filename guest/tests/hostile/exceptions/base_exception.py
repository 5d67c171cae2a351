# tries: Raises BaseException itself.
# must: refused exception BaseException: base
async def main():
    raise BaseException("base")
