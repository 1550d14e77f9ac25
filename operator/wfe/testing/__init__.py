"""For authors of providers and tests: contract suites, fakes and builders. Nothing of WFE imports it."""
