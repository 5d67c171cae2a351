# tries: Makes the json module lie to whoever uses it next.
# must: refused exception|trap|not_serializable
import json


async def main():
    json.dumps = lambda *values, **named: '"always this"'
    json.loads = lambda *values, **named: {"a": "wrong"}
    json.JSONEncoder.encode = lambda self, value: "{"
    raise ValueError("made after all was patched")
