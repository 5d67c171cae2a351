# tries: Leaves objects whose __del__ raises, prints, and brings them back to life.
# must: returns 1
back = []


class Evil:
    def __del__(self):
        back.append(self)
        raise BaseException("from the grave")


async def main():
    for _ in range(100):
        Evil()
    return 1
