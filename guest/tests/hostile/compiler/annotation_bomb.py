# tries: Holds an annotation that grows without end when it is evaluated for the schema.
# must: returns null
# inspected: contained
# limits: cpu=3000ms
class Grows(type):
    def __getitem__(cls, item):
        return cls[item, item]


class Kind(metaclass=Grows):
    pass


async def main(value: Kind[1] = None):
    return value
