"""Scores sound against the original: WB-PESQ (`pesq`) and ViSQOL in its speech mode (`visqol-python`).

Usage: score.py FOLDER. Reads FOLDER/original.wav and every FOLDER/scored/*.wav (16-bit mono, 48 kHz),
prints one line for each: its name, its PESQ, its ViSQOL; `-` where a score cannot be had.
"""

import sys
import wave
from math import gcd
from pathlib import Path

import numpy as np
import pesq
from scipy.signal import correlate, resample_poly
from visqol import VisqolApi

RATE = 16_000


def load(path):
    """Mono at 16 kHz."""
    with wave.open(str(path)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
        rate = sound.getframerate()
    common = gcd(rate, RATE)
    return resample_poly(samples.astype(np.float64) / 32768, RATE // common, rate // common)


def aligned(original, heard):
    """What was heard, without the time that it took: of the original's length."""
    envelope = lambda sound: np.abs(sound)
    match = correlate(envelope(heard), envelope(original), mode="full", method="fft")
    late = int(np.argmax(match)) - (len(original) - 1)
    heard = heard[late:] if late > 0 else np.concatenate([np.zeros(-late), heard])
    return np.pad(heard, (0, max(0, len(original) - len(heard))))[: len(original)]


def main(folder):
    original = load(folder / "original.wav")
    visqol = VisqolApi()
    visqol.create(mode="speech")
    for path in sorted((folder / "scored").glob("*.wav")):
        heard = aligned(original, load(path))
        try:
            by_pesq = f"{pesq.pesq(RATE, original, heard, 'wb'):.2f}"
        except pesq.PesqError:
            by_pesq = "-"
        try:
            by_visqol = f"{visqol.measure_from_arrays(original, heard, RATE).moslqo:.2f}"
        except Exception as problem:  # the library says what it likes
            print(f"{path.name}: {problem}", file=sys.stderr)
            by_visqol = "-"
        print(path.stem, by_pesq, by_visqol, flush=True)


main(Path(sys.argv[1]))
