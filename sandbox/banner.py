"""The word SANDBOX as a small picture, drawn without a font: the bundled FFmpeg has no `drawtext`."""

import av

# Each letter is five columns wide and seven rows high.
_LETTERS = {
    "S": (" ####", "#    ", "#    ", " ### ", "    #", "    #", "#### "),
    "A": (" ### ", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"),
    "N": ("#   #", "##  #", "##  #", "# # #", "#  ##", "#  ##", "#   #"),
    "D": ("#### ", "#   #", "#   #", "#   #", "#   #", "#   #", "#### "),
    "B": ("#### ", "#   #", "#   #", "#### ", "#   #", "#   #", "#### "),
    "O": (" ### ", "#   #", "#   #", "#   #", "#   #", "#   #", " ### "),
    "X": ("#   #", "#   #", " # # ", "  #  ", " # # ", "#   #", "#   #"),
}
_MARGIN = 2
_INK = bytes((255, 255, 255, 255))
_GROUND = bytes((0, 0, 0, 160))

ROWS = tuple(" ".join(_LETTERS[letter][row] for letter in "SANDBOX") for row in range(7))
WIDTH = len(ROWS[0]) + 2 * _MARGIN
HEIGHT = len(ROWS) + 2 * _MARGIN


def banner() -> av.VideoFrame:
    """White letters on a translucent dark background, `WIDTH` x `HEIGHT` pixels, RGBA."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "rgba")
    plane = frame.planes[0]
    blank = " " * len(ROWS[0])
    side = " " * _MARGIN
    pixels = bytearray()
    for row in (*[blank] * _MARGIN, *ROWS, *[blank] * _MARGIN):
        line = b"".join(_INK if cell == "#" else _GROUND for cell in f"{side}{row}{side}")
        pixels += line.ljust(plane.line_size, b"\0")
    plane.update(bytes(pixels).ljust(plane.buffer_size, b"\0"))
    return frame
