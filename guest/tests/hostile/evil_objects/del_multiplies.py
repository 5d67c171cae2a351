# tries: Makes two new objects in each __del__, so that cleaning up never ends.
# must: refused cpu|memory|exception|recursion
# limits: cpu=1000ms memory=64MB
class Evil:
    def __init__(self):
        self.itself = self

    def __del__(self):
        Evil()
        Evil()


async def main():
    import logging

    while True:
        Evil()
        logging.sys.modules["gc"].collect()
