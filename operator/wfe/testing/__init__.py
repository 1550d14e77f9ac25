"""For authors of providers and tests: contract suites, fakes and builders. Nothing of WFE imports it."""

from pkgutil import iter_modules

import pytest

# So that a failing suite shows the values it compared; pytest has to know before the module is imported.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))
