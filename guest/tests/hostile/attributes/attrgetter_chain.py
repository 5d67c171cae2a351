# tries: Walks by operator.attrgetter with names put together at run time to the environment of the process.
# must: returns {}
import logging
import operator


async def main():
    name = "o" + "s." + "env" + "iron"
    return dict(operator.attrgetter(name)(logging))
