"""What does a file look like that was damaged on its way?"""

import random


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return `content` with some bytes changed, left out, repeated or cut off."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data))
        end = at + rng.randint(1, 30)
        change = rng.randrange(5)
        if change == 0:
            data[at] = rng.randrange(256)
        elif change == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif change == 2:
            del data[at : min(end, len(data) - 1)]
        elif change == 3:
            data[at:at] = data[at:end]
        elif rng.random() < 0.2:
            del data[max(1, at) :]
    return bytes(data)
