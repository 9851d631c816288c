"""Simdrop for PyTorch.

`enable` makes every dropout of the CPU in an unmodified program simdrop's; ``python -m simdrop.torch script.py`` does so for a script.
"""

from . import _attention as _attention
from . import _operators as _operators
from . import _public
from ._override import Report, disable, enable, enabled, is_enabled, report
from ._public import *  # noqa: F403

__all__ = ["Report", "disable", "enable", "enabled", "is_enabled", "report"]
__all__ += _public.__all__
