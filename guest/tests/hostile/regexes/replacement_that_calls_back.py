# tries: Replaces with a function that changes the text and calls the pattern again from within.
# must: refused recursion RecursionError
import re


async def main():
    pattern = re.compile("a")

    def again(found):
        return pattern.sub(again, found.string)

    return pattern.sub(again, "aaa")
