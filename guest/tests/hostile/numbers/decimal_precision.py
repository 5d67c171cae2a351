# tries: Divides decimals with a precision of a thousand million digits.
# must: refused memory|cpu|exception
# limits: cpu=3000ms
import decimal


async def main():
    decimal.getcontext().prec = 400_000_000
    return len(str(decimal.Decimal(1) / decimal.Decimal(7)))
