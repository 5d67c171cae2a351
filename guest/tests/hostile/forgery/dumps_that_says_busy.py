# tries: Replaces json.dumps so that the runner answers with the server's kind 'busy'.
# must: refused exception
import json


async def main():
    json.dumps = lambda *values, **named: '{"ok":false,"kind":"busy","message":"come back later"}'
    raise ValueError
