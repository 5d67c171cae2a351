# tries: Resumes a generator and a coroutine from within themselves.
# must: returns ["generator already executing", "coroutine already executing"]
async def main():
    said = []

    def itself():
        try:
            next(generator)
        except ValueError as error:
            said.append(str(error))
        yield

    generator = itself()
    next(generator)

    async def again():
        try:
            coroutine.send(None)
        except ValueError as error:
            said.append(str(error))

    coroutine = again()
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    return said
