"""A fitted model is kept only as long as the code that fitted it is the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from green_predictor import version


def test_all_that_fitting_imports_counts():
    asked = (
        "import sys, green_predictor.fit_domain\n"
        "print(*[m.__file__ for name, m in sys.modules.items() if name.startswith('green_predictor.')], sep='\\n')"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    imported = {Path(name).resolve() for name in said.splitlines()}
    assert imported == {path.resolve() for path in version.files_that_shape_a_model()}
