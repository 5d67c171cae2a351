# tries: Returns objects whose special methods are sound.
# must: returns {"name": "a point", "sum": [4, 6], "same": true, "items": ["x", "y"]}
import dataclasses


@dataclasses.dataclass
class Point:
    x: int
    y: int

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __str__(self):
        return "a point"


async def main():
    total = Point(1, 2) + Point(3, 4)
    return {"name": str(total), "sum": [total.x, total.y], "same": total == Point(4, 6), "items": {"y", "x"}}
