# tries: Leaves weak references whose callbacks and finalizers loop when the call is over.
# must: contained
# limits: cpu=500ms
import weakref


class Kept:
    pass


def endless(*values):
    while True:
        pass


async def main():
    global kept, reference
    kept = Kept()
    kept.itself = kept
    reference = weakref.ref(kept, endless)
    weakref.finalize(kept, endless)
    return "registered"
