# tries: Climbs from an exception through its traceback to frames of the runner and reads their locals.
# must: returns []
async def main():
    try:
        1 / 0
    except ZeroDivisionError as error:
        frame = error.__traceback__.tb_frame
    found = []
    while frame:
        for name, value in frame.f_locals.items():
            if "".join(reversed("YRANAC")) in repr(value)[:10_000]:
                found.append(name)
        frame = frame.f_back
    return found
