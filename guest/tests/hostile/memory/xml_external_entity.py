# tries: Parses XML with an external entity that names a file of the host.
# must: refused exception
# arguments: {"path": "$FILE"}
import xml.etree.ElementTree as tree


async def main(path: str):
    text = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{path}">]><x>&e;</x>'
    return tree.fromstring(text).text
