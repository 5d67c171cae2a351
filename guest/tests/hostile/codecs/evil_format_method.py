# tries: Formats an object whose __format__ never ends.
# must: refused cpu
# limits: cpu=500ms
class Endless:
    def __format__(self, how):
        while True:
            pass


async def main():
    return f"{Endless()}"
