# tries: Copies objects by copy and json, which are the allowed ways to do so.
# must: returns [{"a": [1, 2]}, true]
import copy
import json


async def main():
    value = {"a": [1, 2]}
    deep = copy.deepcopy(value)
    return [json.loads(json.dumps(deep)), deep["a"] is not value["a"]]
