# tries: Turns its mapping of secrets into one that learns, replaces what is in it, and asks the host for values.
# must: returns {"own": ["OWN"], "placeholder": "mcpbox-placeholder-for-TOKEN", "told": ["there is no operation"], "has": false}
# secrets: {"OWN": "own-value"}
# refusals: {"TOKEN": "a person has to set it"}
# repeat: 16
import logging

import mcpbox_host

names = ["secrets.missed", "secrets.get", "secrets.read", "secrets.values"]


async def main():
    vault = logging.sys.modules["mcpbox_guest.vault"]
    secrets._learning = True
    placeholder = secrets["TOKEN"]
    told = set()
    for name in names:
        try:
            told.add(repr(await mcpbox_host.call(name, b"TOKEN")))
        except mcpbox_host.OperationError as error:
            told.add(str(error)[:21])
    try:
        vault.NONE["TOKEN"]
        told.add("a value that nobody gave")
    except KeyError:
        pass
    others = [one for one in logging.sys.modules["gc"].get_objects() if isinstance(one, vault.Secrets)] if "gc" in logging.sys.modules else []
    for other in others:
        own = set(other) - {"OWN"}
        told |= own
    return {"own": list(secrets), "placeholder": placeholder, "told": sorted(told), "has": "TOKEN" in secrets}
