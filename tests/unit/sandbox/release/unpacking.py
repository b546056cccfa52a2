"""Archives unpacked as tar unpacks them."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path


def unpack(content: bytes, folder: Path) -> Path:
    """Unpack a tar.gz and return the release's folder."""
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        # Debian 12's Python 3.11.2 is older than the argument (3.11.4); later ones warn where it is left out.
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    return next(folder.iterdir())
