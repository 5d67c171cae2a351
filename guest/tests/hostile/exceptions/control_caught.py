# tries: Catches an exception and returns, after a finally that runs.
# must: returns ["caught", "finally"]
async def main():
    said = []
    try:
        raise ExceptionGroup("two", [ValueError(1), KeyError(2)])
    except* ValueError:
        said.append("caught")
    except* KeyError:
        pass
    finally:
        said.append("finally")
    return said
