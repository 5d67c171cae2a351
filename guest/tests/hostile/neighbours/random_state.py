# tries: Foresees the random numbers of another call by its own, as both begin in the same snapshot.
# must: returns false
# repeat: 16
import random
import uuid


async def main():
    drawn = [random.random() for _ in range(5)]
    for guess in ["".join(reversed("YRANAC")), 0, 1, None]:
        if guess is not None:
            random.seed(guess)
        if [random.random() for _ in range(5)] == drawn:
            return True
    return uuid.uuid4() == uuid.uuid4()
