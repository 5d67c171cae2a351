# tries: Appends a text to itself until memory is full, where CPython 3.14.0 goes on with the text that it has freed.
# must: contained
async def main():
    text = "x"
    while True:
        text += text
