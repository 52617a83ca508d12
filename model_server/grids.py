"""Legal sizes and numbers of frames, and the legal one that lies nearest to a wish."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SizeGrid:
    """The legal widths and heights of a pipeline."""

    multiple: int
    """Both are multiples of this number of pixels."""
    max_pixels: int
    """The most pixels of a frame."""

    def allows(self, width: int, height: int) -> bool:
        """Whether a size is legal."""
        is_on_grid = width % self.multiple == 0 and height % self.multiple == 0
        return is_on_grid and 0 < width * height <= self.max_pixels

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """The legal size that is nearest. A frame that is too large shrinks in both directions alike."""
        scale = min(1.0, (self.max_pixels / (width * height)) ** 0.5)
        wide, high = self._on_grid(width * scale), self._on_grid(height * scale)
        while wide * high > self.max_pixels and max(wide, high) > self.multiple:
            if wide >= high:
                wide -= self.multiple
            else:
                high -= self.multiple
        return wide, high

    def _on_grid(self, pixels: float) -> int:
        return max(1, round(pixels / self.multiple)) * self.multiple


@dataclass(frozen=True)
class FrameGrid:
    """The legal numbers of frames of a pipeline."""

    step: int
    """A legal number is a multiple of the step plus one."""
    max_frames: int
    """The most frames."""

    def allows(self, frames: int) -> bool:
        """Whether a number is legal."""
        return 0 < frames <= self.max_frames and (frames - 1) % self.step == 0

    def nearest(self, frames: int) -> int:
        """The legal number that is nearest."""
        most = (self.max_frames - 1) // self.step
        return min(most, max(0, round((frames - 1) / self.step))) * self.step + 1
