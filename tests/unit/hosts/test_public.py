import subprocess
import sys

import wfe


def test_public_names_are_sorted_and_there() -> None:
    assert wfe.__all__ == sorted(wfe.__all__, key=lambda name: (name[0].islower(), name))
    assert [name for name in wfe.__all__ if not hasattr(wfe, name)] == []
    assert set(wfe.__all__) <= set(dir(wfe))


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = "import sys, wfe; print([name for name in sys.modules if name.startswith('wfe.')])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown.strip() == "[]"
