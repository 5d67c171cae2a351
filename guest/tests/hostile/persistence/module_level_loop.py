# tries: Loops at module level, before main is ever called.
# must: refused cpu
# limits: cpu=500ms
while True:
    try:
        pass
    except BaseException:
        pass


async def main():
    return 1
