# tries: Holds data classes and aliases that contain each other for ever.
# must: contained
# inspected: contained
import dataclasses

type Forever = list[Forever] | dict[str, Forever]


@dataclasses.dataclass
class Left:
    right: "Right"


@dataclasses.dataclass
class Right:
    left: Left


async def main(one: Left = None, two: Forever = None) -> Left:
    left = Left(None)
    left.right = Right(left)
    return left
