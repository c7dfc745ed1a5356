"""For all tests: an example may take as long as a busy machine makes it, and the first one pays for imports."""

from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
