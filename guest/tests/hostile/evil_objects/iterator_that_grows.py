# tries: Returns a collection that grows while it is iterated.
# must: refused cpu|memory|not_serializable|result_too_large
# limits: cpu=1000ms memory=64MB
import collections.abc


class Endless(collections.abc.Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return index


async def main():
    return Endless()
