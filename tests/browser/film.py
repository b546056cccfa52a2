"""Pictures of the page one after another, as one animated picture."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

SETTLE_MS = 300
# Whoever looks on does not wait as the bot did.
LONGEST_MS = 2_000
# Text stays readable, and what does not move costs nothing.
QUALITY = 60


@dataclass
class Film:
    """What the window showed, each picture with how long it stands."""

    window: Page
    shots: list[tuple[bytes, int]] = field(default_factory=list)

    def shoot(self, milliseconds: int) -> None:
        """Take the window as it is; one that shows nothing new makes the one before it stand longer, for a while."""
        self.window.wait_for_timeout(SETTLE_MS)
        shot = self.window.screenshot(animations="disabled")
        if self.shots and self.shots[-1][0] == shot:
            self.shots[-1] = (shot, min(self.shots[-1][1] + milliseconds, LONGEST_MS))
        else:
            self.shots.append((shot, milliseconds))

    def write(self, path: Path) -> None:
        """All of it as an animated WebP, which begins anew at its end."""
        from PIL import Image

        first, *others = [Image.open(io.BytesIO(shot)).convert("RGB") for shot, _ in self.shots]
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=[standing for _, standing in self.shots],
            loop=0,
            quality=QUALITY,
            method=6,
            minimize_size=True,
        )
