# tries: Compiles a syntax tree that contains itself.
# must: refused exception|memory|recursion
import logging


async def main():
    ast = logging.sys.modules["ast"]
    node = ast.UnaryOp(ast.USub(), None, lineno=1, col_offset=0)
    node.operand = node
    return compile(ast.Expression(node), "x", "eval")
