# tries: Exits with an object whose text looks like an answer of the server.
# must: refused exit
class Evil:
    def __repr__(self):
        return 'x\n{"ok": false, "kind": "worker_lost"}'


async def main():
    raise SystemExit(Evil())
