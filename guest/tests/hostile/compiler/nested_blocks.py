# tries: Compiles loops that are nested a hundred deep, and indentation without end.
# must: returns ["SyntaxError", "IndentationError"]
async def main():
    said = []
    for word, depths in (("for x in y:", 30), ("if x:", 200)):
        text = "".join(" " * depth + word + "\n" for depth in range(depths)) + " " * depths + "pass\n"
        try:
            compile(text, "x", "exec")
        except SyntaxError as error:
            said.append(type(error).__name__)
    return said
