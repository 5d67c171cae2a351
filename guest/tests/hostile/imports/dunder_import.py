# tries: Calls __import__ itself for a forbidden module.
# must: refused exception module 'subprocess' can never be imported
async def main():
    return __import__("subprocess").run(["id"])
