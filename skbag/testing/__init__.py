"""Checks of estimators that take raw texts, for tests of any project.

Not imported with the package: ``from skbag.testing import check_text_estimator``. They
need scikit-learn alone; pytest is imported by `parametrize_with_text_checks`.
"""

from skbag.testing._battery import (
    check_text_estimator,
    parametrize_with_text_checks,
    text_checks,
)

__all__ = ["check_text_estimator", "parametrize_with_text_checks", "text_checks"]
