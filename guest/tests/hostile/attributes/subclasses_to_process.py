# tries: Walks from an empty tuple to the class that spawns processes and spawns one.
# must: refused exception
# inspected: returns true
async def main():
    for found in ().__class__.__base__.__subclasses__():
        if found.__name__ == "Popen":
            return found(["/bin/cat", "/etc/passwd"]).wait()
    raise LookupError("no Popen")
