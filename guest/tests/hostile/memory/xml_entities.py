# tries: Parses XML whose entities refer to entities, the billion laughs.
# must: refused exception|memory|cpu
# limits: cpu=3000ms
import xml.etree.ElementTree as tree


async def main():
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
    return len(tree.fromstring(f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><x>&e12;</x>').text)
