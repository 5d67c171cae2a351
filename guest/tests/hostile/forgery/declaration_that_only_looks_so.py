# tries: Shows a reader a header where Python sees none: in texts and behind code.
# must: returns 1
# inspected: returns true
# declares: {"secrets": ["SEEN"]}
"""A tool.

# mcpbox: hosts=docstring.example secrets=DOCSTRING
"""
TEXT = """
# mcpbox: hosts=text.example
"""  # mcpbox: hosts=behind.example
# mcpbox: hosts=later.example


async def main():
    f"""
# mcpbox: hosts={arguments}
"""
    return 1 if secrets.get("SEEN") is None else 0
