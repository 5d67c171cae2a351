# tries: Returns subclasses of int, float, str and bool whose texts are not what they are.
# must: contained
class Number(int):
    def __repr__(self):
        return '1, "ok": false, "kind": "busy"'

    __str__ = __format__ = __repr__


class Real(float):
    def __repr__(self):
        return '{"kind": "worker_lost"}'


class Text(str):
    def __repr__(self):
        return '"'

    __str__ = encode = __repr__


async def main():
    return [Number(1), Real(1.5), Text("x"), {Text("k"): Number(2)}]
