# tries: Computes with large integers, decimals and fractions of a sane size.
# must: returns ["1267650600228229401496703205376", "0.1428571428571428571428571429", "5/6", 302]
import decimal
import fractions


async def main():
    third = fractions.Fraction(1, 2) + fractions.Fraction(1, 3)
    return [str(2**100), str(decimal.Decimal(1) / 7), str(third), len(str(2**1000))]
