"""An error that ends a run of the tests with one line."""


class RunError(Exception):
    """One line that says what is wrong and what to do."""
