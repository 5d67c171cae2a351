# tries: Compiles new sources without end.
# must: refused cpu
# limits: cpu=1000ms
async def main():
    number = 0
    while True:
        number += 1
        exec(f"def f{number}(a=1):\n    return [a] * {number}\n")
