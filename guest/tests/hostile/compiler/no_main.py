# tries: Has no main that could be called, but one that looks like it.
# must: refused no_main
# inspected: returns false
main = lambda: 1
class Main:
    async def main(self):
        return 1
