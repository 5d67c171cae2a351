# tries: Puts an object in the place of main that changes at every look.
# must: contained
# inspected: contained
async def main():
    return 1


class Changing:
    looked = 0

    def __call__(self, *rest, **named):
        return {"looked": Changing.looked}

    def __getattr__(self, name):
        Changing.looked += 1
        raise [AttributeError, ValueError, KeyboardInterrupt, StopIteration][Changing.looked % 4](name)


main = Changing()
