# tries: Reads dunders by the class pattern of a match statement, which has no attribute syntax.
# must: returns ["object", 0]
import logging


async def main():
    match ():
        case object(__class__=kind):
            match kind:
                case object(__base__=base):
                    pass
    match logging:
        case object(os=found):
            return [base.__name__, len(found.environ)]
