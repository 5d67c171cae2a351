# tries: Returns an object whose __class__ claims other types from one look to the next.
# must: refused not_serializable|exception
import datetime
import itertools

claims = itertools.cycle([int, dict, list, datetime.datetime, str, bytes, float])


class Liar:
    @property
    def __class__(self):
        return next(claims)

    def isoformat(self):
        return self

    def items(self):
        return self


async def main():
    return [Liar()]
