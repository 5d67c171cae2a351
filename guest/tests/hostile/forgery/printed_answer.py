# tries: Prints what looks like an answer, with lengths and frames of a protocol before it.
# must: returns "the true one"
# prints: worker_lost
import json


async def main():
    answer = json.dumps({"ok": False, "kind": "worker_lost", "message": "x"})
    print(len(answer).to_bytes(4, "little") + answer.encode())
    print(answer, flush=True)
    return "the true one"
