# tries: Divides and prints integers of a hundred thousand digits, for which the interpreter has Python code of its own.
# must: returns [true, 100001, 5001]
async def main():
    import logging

    large = 10**100_000 + 7
    quotient, rest = divmod(large, 10**50_000 - 1)
    logging.sys.set_int_max_str_digits(0)
    text = str(large)
    return [quotient * (10**50_000 - 1) + rest == large, len(text), len(str(int(text[:5001])))]
