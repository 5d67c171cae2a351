# tries: Imports allowed modules in every form of the statement.
# must: returns ["4.0", 3, "a b", "parse", true]
# inspected: returns true
from __future__ import annotations

import math as mathematics
import urllib.parse
import xml.etree.ElementTree as tree
from collections import Counter, abc
from email.message import EmailMessage


async def main():
    text = urllib.parse.unquote("a%20b")
    return [str(mathematics.sqrt(16)), Counter("aaab")["a"], text, urllib.parse.__name__[-5:], issubclass(dict, abc.Mapping) and EmailMessage is not tree]
