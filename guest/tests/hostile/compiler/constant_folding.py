# tries: Makes the compiler compute a huge number, tuple and text while it folds constants.
# must: refused cpu|memory|exception
# limits: cpu=1500ms
async def main():
    compile("x = 2 ** 2 ** 20\ny = (1,) * 4000 * 4000\nz = 'a' * 4096 * 4096 * 16", "x", "exec")
    return eval("9 ** 9 ** 9")
