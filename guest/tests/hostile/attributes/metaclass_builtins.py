# tries: Uses a metaclass whose __getitem__ and __getattr__ evaluate what they are given.
# must: refused exception No such file
import logging


class Meta(type):
    def __getitem__(cls, text):
        return eval(text, {"os": logging.os})

    __getattr__ = __getitem__


class Door(metaclass=Meta):
    pass


async def main():
    return Door["os.listdir('/etc')"]
