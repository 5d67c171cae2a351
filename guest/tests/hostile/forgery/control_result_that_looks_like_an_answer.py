# tries: Returns a dictionary that looks like an answer of the runner, which is a result like any other.
# must: returns {"ok": false, "kind": "worker_lost", "message": "lost"}
async def main():
    return {"ok": False, "kind": "worker_lost", "message": "lost"}
