# tries: Computes the factorial of a thousand million inside of one call into C.
# must: refused cpu|memory|exception
# limits: cpu=1500ms
import math


async def main():
    return math.factorial(1_000_000_000) % 10
