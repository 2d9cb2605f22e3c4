"""The two typefaces of PDF and charts, out of the wheel `mplfonts`; Word names the official ones instead."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from lake.errors import BriefRefused

SERIF, SANS = "Noto Serif CJK SC", "Noto Sans CJK SC"
_FILES = ("NotoSerifCJKsc-Regular.otf", "NotoSansCJKsc-Regular.otf")


def font_folder() -> Path:
    """Folder of the wheel's fonts; found without importing the wheel, which would import matplotlib.

    Raises:
        BriefRefused: the fonts are not there.
    """
    package = importlib.util.find_spec("mplfonts")
    folder = Path(package.origin).parent / "fonts" if package and package.origin else Path()
    if not all((folder / name).is_file() for name in _FILES):
        raise BriefRefused("the fonts of PDF and charts are not installed", remedy="run `make env`")
    return folder
