# tries: Imports under names that are not plain text: with null bytes, of a subclass of str that changes.
# must: contained
class Changing(str):
    asked = 0

    def split(self, *rest):
        Changing.asked += 1
        return ["json"]

    def __hash__(self):
        return hash("json")

    def __eq__(self, other):
        return True


async def main():
    said = []
    for name in ("os\0", "o\ud800s", "", ".", "os.", " os", Changing("os"), "ｏｓ"):
        try:
            said.append(repr(__import__(name))[:60])
        except BaseException as error:
            said.append(type(error).__name__)
    return said
