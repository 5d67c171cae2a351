# tries: Catches everything around a pattern that never ends, and starts it again.
# must: refused cpu
# limits: cpu=500ms
import re


async def main():
    while True:
        try:
            re.fullmatch(r"(x+x+)+y", "x" * 60)
        except BaseException:
            continue
