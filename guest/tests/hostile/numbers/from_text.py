# tries: Reads an integer of twenty million digits after lifting the limit on digits.
# must: refused cpu|memory
# limits: cpu=1500ms
import logging


async def main():
    logging.sys.set_int_max_str_digits(0)
    return int("7" * 60_000_000) % 10
