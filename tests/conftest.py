"""What all tests start with."""

import gc


def pytest_collection_finish() -> None:
    """Keep the collector from walking the collected tests: a seventh of the time."""
    gc.collect()
    gc.freeze()
