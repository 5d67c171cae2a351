"""How many requests may be under way at once."""

import asyncio
from collections import deque


class Gate:
    """Lets a number of tasks in; the others wait in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_enter(self) -> bool:
        """Take a place if there is one."""
        if self._places > 0:
            self._places -= 1
            return True
        return False

    async def enter(self) -> None:
        """Wait for a place, and take it."""
        if self.try_enter():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                # It came, and nobody is there any more to use it.
                self.leave()
            else:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Give the place to the next."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._places += 1
