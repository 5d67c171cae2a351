# tries: Returns a mapping each of whose values is a new mapping of the same kind.
# must: refused not_serializable|exception|recursion
# limits: cpu=5000ms
import collections.abc


class Endless(collections.abc.Mapping):
    def __len__(self):
        return 1

    def __iter__(self):
        return iter("x")

    def __getitem__(self, key):
        return Endless()


async def main():
    return Endless()
