# tries: Loops within try and except BaseException, so that no exception could end it.
# must: refused cpu
# limits: cpu=500ms
async def main():
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
        finally:
            continue
