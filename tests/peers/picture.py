"""Pictures that say when they were taken, and tones: what the test looks for on the other side. The time
code is the one of `maru_media::video::timecode`."""

import array
import math
import time

WIDTH, HEIGHT = 640, 360
CELLS, CELLS_PER_WIDTH = 48, 80
WHITE, BLACK, GREY = 235, 16, 128

RATE = 48000
TONE_HZ = 440


def now_ms():
    return time.time_ns() // 1_000_000


def luma(taken_ms, number):
    """The luma plane of a picture: the time code over grey, and a bar that moves."""
    side = WIDTH // CELLS_PER_WIDTH
    code = b"".join(
        bytes([WHITE if taken_ms >> cell & 1 else BLACK]) * side for cell in range(CELLS)
    )
    top = code + bytes([GREY]) * (WIDTH - len(code))
    bar = number * 4 % (WIDTH - 32)
    row = bytes([GREY]) * bar + bytes([WHITE]) * 32 + bytes([GREY]) * (WIDTH - bar - 32)
    return top * side + row * (HEIGHT - side)


def taken(plane, stride, width):
    """When the picture in this luma plane was taken; `None` where there is no time code."""
    side = width // CELLS_PER_WIDTH
    if side == 0:
        return None
    time_ms, reach, centre_y = 0, side // 4, side // 2
    for cell in range(CELLS):
        centre_x = (2 * cell + 1) * width // (2 * CELLS_PER_WIDTH)
        seen = [
            plane[y * stride + x]
            for y in range(centre_y - reach, min(centre_y + reach, side - 1) + 1)
            for x in range(centre_x - reach, centre_x + reach + 1)
        ]
        mean = sum(seen) / len(seen)
        if mean >= 160:
            time_ms |= 1 << cell
        elif mean > 90:
            return None
    return time_ms if 1_577_836_800_000 < time_ms < 4_102_444_800_000 else None


def tone(start, count, channels):
    """Samples of the tone from `start` on, 16 bit, about -20 dBFS."""
    samples = array.array("h")
    for index in range(start, start + count):
        value = int(4600 * math.sin(2 * math.pi * TONE_HZ * index / RATE))
        samples.extend([value] * channels)
    return samples.tobytes()


class Ear:
    """Measures what is heard, in whole tenths of a second."""

    def __init__(self):
        self.samples = array.array("h")

    def hear(self, block):
        """Takes 16-bit samples of one channel; gives (level in dBFS, pitch in Hz) of each tenth."""
        self.samples.extend(block)
        tenth = RATE // 10
        while len(self.samples) >= tenth:
            heard, self.samples = self.samples[:tenth], self.samples[tenth:]
            power = sum(sample * sample for sample in heard) / tenth / 32768**2
            level = 10 * math.log10(power) if power > 1e-12 else -120.0
            rising = sum(1 for a, b in zip(heard, heard[1:]) if a < 0 <= b)
            yield level, rising * 10
