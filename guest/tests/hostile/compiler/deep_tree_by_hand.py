# tries: Compiles a syntax tree that it built by hand, deeper than any source could be.
# must: refused exception|memory|recursion|trap
import logging


async def main():
    ast = logging.sys.modules["ast"]
    node = ast.Constant(1, lineno=1, col_offset=0)
    for _ in range(200_000):
        node = ast.UnaryOp(ast.USub(), node, lineno=1, col_offset=0)
    return eval(compile(ast.Expression(node), "x", "eval"))
