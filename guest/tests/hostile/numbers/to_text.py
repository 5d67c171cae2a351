# tries: Turns an integer of ten million digits into text after lifting the limit on digits.
# must: refused cpu|memory
# limits: cpu=1500ms
import logging


async def main():
    logging.sys.set_int_max_str_digits(0)
    return len(str(7**12_000_000))
