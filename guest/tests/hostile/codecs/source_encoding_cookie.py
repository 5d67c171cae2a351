# tries: Declares an encoding that would hide its code from a reviewer.
# must: returns "grüß"
# inspected: returns true
#-*- coding: rot13 -*-
async def main():
    return "grüß"
