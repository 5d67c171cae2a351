# tries: Returns a dictionary whose keys change their equality while it is read.
# must: refused not_serializable|exception|cpu
# limits: cpu=1000ms
class Evil:
    def __eq__(self, other):
        shared.clear()
        return True

    def __hash__(self):
        shared[len(shared)] = 1
        return 1


shared = {}


async def main():
    shared[Evil()] = Evil()
    shared[Evil()] = 2
    return shared
